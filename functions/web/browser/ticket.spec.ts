import { expect, test, words } from './fixtures'
import { listenIn, numbers, upTo } from './heard'
import { drawing } from './photos'
import { failedRequest } from './watch'

const { tasks } = words

test.use({ hands: 'own', env: { TICKET_TTL: '2s' } })

test('a ticket that has run out is renewed, and the stream goes on where it was', async ({ page, system, worker, watch }) => {
  watch.expect(failedRequest) // 401 for the old ticket
  const task = await system.order(await system.upload('drawing.png', drawing().buffer))
  const job = await worker.job(task)
  await listenIn(page.context())
  const streams: { url: string, status: number }[] = []
  page.on('response', (response) => {
    if (response.url().includes('/events/')) streams.push({ url: response.url(), status: response.status() })
  })
  await page.goto(`/app/tasks/${task}`)
  await expect.poll(() => numbers(page, task)).toEqual(upTo(2))

  const first = streams[0]!.url
  await expect.poll(async () => (await fetch(first)).status, { message: 'the ticket has run out' }).toBe(401)
  await job.progress(30, 'depth') // an open stream asks for no ticket
  await expect(page.getByText(tasks.stages.depth).first()).toBeVisible()
  await system.kill('relay')
  await expect.poll(() => streams.map(({ status }) => status)).toContain(401)
  await expect.poll(() => streams.at(-1)?.status, { message: 'a fresh ticket is taken' }).toBe(200)
  expect(new URL(streams.at(-1)!.url).searchParams.get('ticket')).not.toBe(new URL(first).searchParams.get('ticket'))

  await job.finish()
  await expect(page.getByRole('heading', { level: 1, name: tasks.headline.COMPLETED })).toBeVisible()
  const heard = await numbers(page, task)
  expect(heard).toEqual(upTo(heard.length))
})
