import { expect, test, words } from './fixtures'
import { listenIn, numbers, upTo } from './heard'
import { drawing } from './photos'
import { failedRequest } from './watch'

const { tasks, problems } = words

test.use({ hands: 'own' })

test('two tabs on one task come to the same end, and a delete in one is understood in the other', async ({ page, system, worker, watch }) => {
  const task = await system.order(await system.upload('drawing.png', drawing().buffer))
  const job = await worker.job(task)
  await listenIn(page.context())
  const tabs = [page, await page.context().newPage()]
  for (const tab of tabs) await tab.goto(`/app/tasks/${task}`)
  await job.progress(50, 'coordinates')
  for (const tab of tabs) await expect(tab.getByText(tasks.stages.coordinates).first()).toBeVisible()
  await job.finish()
  const timelines = tabs.map(tab => tab.locator('.timeline .label'))
  for (const [i, tab] of tabs.entries()) {
    await expect(tab.getByRole('heading', { level: 1, name: tasks.headline.COMPLETED })).toBeVisible()
    const heard = await numbers(tab, task)
    expect(heard, `what tab ${i + 1} heard`).toEqual(upTo(heard.length))
  }
  await expect(timelines[1]!).toHaveText(await timelines[0]!.allInnerTexts())

  watch.expect(failedRequest) // 404 for what is gone
  const [one, other] = tabs as [typeof page, typeof page]
  await one.getByRole('button', { name: tasks.remove }).click()
  await expect(one).toHaveURL(/\/app\/tasks$/)
  await expect.poll(async () => (await system.tasks()).length, { message: 'the time to undo is over' }).toBe(0)
  await other.reload()
  await expect(other.getByRole('heading', { level: 1, name: tasks.gone })).toBeVisible()
  await expect(other.getByText(problems.task_not_found)).toBeVisible()
})

test('a task that runs is deleted elsewhere: its page says so', async ({ page, system, worker, watch }) => {
  watch.expect(failedRequest)
  const task = await system.order(await system.upload('drawing.png', drawing().buffer))
  await (await worker.job(task)).progress(50, 'mesh')
  await page.goto(`/app/tasks/${task}`)
  await expect(page.getByText(tasks.stages.mesh).first()).toBeVisible()
  await system.call(`/api/reconstruction/status/${task}`, { method: 'DELETE' })
  await expect(page.getByRole('heading', { level: 1, name: /^(This one was cancelled|This model is not there)$/ })).toBeVisible()
  await page.reload()
  await expect(page.getByRole('heading', { level: 1, name: tasks.gone })).toBeVisible()
})

test('two tasks in two tabs: each tells of its own and counts the other', async ({ page, system, worker }) => {
  const pictures = [await system.upload('a.png', drawing().buffer), await system.upload('b.png', drawing().buffer)]
  const [a, b] = [await system.order(pictures[0]!), await system.order(pictures[1]!)]
  const [jobA, jobB] = [await worker.job(a), await worker.job(b)]
  const other = await page.context().newPage()
  await page.goto(`/app/tasks/${a}`)
  await other.goto(`/app/tasks/${b}`)
  await Promise.all([jobA.progress(30, 'depth'), jobB.progress(70, 'texture')])
  await expect(page.getByText(tasks.stages.depth).first()).toBeVisible()
  await expect(other.getByText(tasks.stages.texture).first()).toBeVisible()
  await expect(page).toHaveTitle(/^\(2\) /)
  await expect(page.getByRole('navigation', { name: tasks.alsoRunning }).getByRole('link')).toHaveAttribute('href', `/app/tasks/${b}`)
  await Promise.all([jobA.finish(), jobB.failed('worker_failed', 'out of memory')])
  await expect(page.getByRole('heading', { level: 1, name: tasks.headline.COMPLETED })).toBeVisible()
  await expect(other.getByRole('heading', { level: 1, name: tasks.headline.FAILED })).toBeVisible()
  await expect(page).toHaveTitle(/^Done/)
  await page.reload()
  await expect(page.getByRole('heading', { level: 1, name: tasks.headline.COMPLETED })).toBeVisible()
})
