import { expect, test, words } from './fixtures'
import { listenIn, numbers, upTo } from './heard'
import { drawing } from './photos'
import { failedRequest } from './watch'

const { tasks } = words

test.use({ hands: 'own' })

test('the relay dies in mid-stream: nothing is missed and nothing is told twice', async ({ page, system, worker, watch }) => {
  watch.expect(failedRequest) // the line that was cut
  const task = await system.order(await system.upload('drawing.png', drawing().buffer))
  const job = await worker.job(task)
  await listenIn(page.context())
  await page.goto(`/app/tasks/${task}`)
  await job.progress(20, 'matte')
  await expect(page.getByText(tasks.stages.matte).first()).toBeVisible()
  await expect.poll(() => numbers(page, task)).toEqual(upTo(2))

  await system.kill('relay')
  await job.progress(60, 'mesh')
  await expect(page.getByText(tasks.stages.mesh).first()).toBeVisible()
  await system.kill('relay')
  await job.finish()

  await expect(page.getByRole('heading', { level: 1, name: tasks.headline.COMPLETED })).toBeVisible()
  const { results } = await system.task(task)
  const durable = upTo(3 + results.length) // PENDING, PROCESSING, the files, COMPLETED
  // What the page was told may end early where the status document was quicker; it never repeats, and leaves nothing out.
  const heard = await numbers(page, task)
  expect(heard).toEqual(durable.slice(0, heard.length))
  const { created, started, views, coordinates, model, COMPLETED } = tasks.steps
  await expect(page.locator('.timeline .label')).toHaveText([created, started, views, coordinates, model, COMPLETED])
  for (const { name } of results) {
    await expect(page.getByRole('button', { name: `${tasks.download} ${name}` })).toHaveCount(1)
  }
  await expect(page.locator('canvas')).toBeVisible()
})

test('the relay is gone for good: the page asks for the status instead', async ({ page, system, worker, watch }) => {
  watch.expect(failedRequest)
  const task = await system.order(await system.upload('drawing.png', drawing().buffer))
  const job = await worker.job(task)
  const back = await system.away('relay')
  try {
    await page.goto(`/app/tasks/${task}`)
    await expect(page.getByRole('heading', { level: 1, name: tasks.headline.PROCESSING })).toBeVisible()
    await job.progress(60, 'mesh')
    await expect(page.getByText(tasks.stages.mesh).first()).toBeVisible({ timeout: 30_000 })
    await job.finish()
    await expect(page.getByRole('heading', { level: 1, name: tasks.headline.COMPLETED })).toBeVisible({ timeout: 30_000 })
    await expect(page.locator('canvas')).toBeVisible()
  } finally {
    back()
  }
})
