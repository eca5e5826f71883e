import type { Page } from '@playwright/test'
import zhCN from '../src/i18n/zh-CN'
import { expect, test, words } from './fixtures'
import { taskOf } from './people'
import { drawing } from './photos'

const { tasks, failures, status } = words

test.use({ hands: 'own' })

test('a task fails, is tried again, and comes to a model', async ({ page, system, worker }) => {
  const first = await system.order(await system.upload('drawing.png', drawing().buffer))
  await page.goto(`/app/tasks/${first}`)
  await (await worker.job(first)).failed('worker_failed', 'the mesh is not closed')

  await expectEnd(page, 'FAILED')
  await expect(page.getByText(failures.worker_failed)).toBeVisible()
  await expect(page.getByText('the mesh is not closed')).toBeVisible()
  await expect(page).toHaveTitle(new RegExp(`^${status.FAILED} · `))
  await inChinese(page, zhCN.tasks.headline.FAILED, zhCN.failures.worker_failed)

  await page.getByRole('button', { name: tasks.again }).click()
  await expect(page).not.toHaveURL(new RegExp(first))
  const second = taskOf(page)
  const job = await worker.job(second)
  await job.progress(42, 'mesh')
  await expect(page).toHaveTitle(/^42% · /)
  await job.finish()
  await expectEnd(page, 'COMPLETED')
  await expect(page.locator('canvas')).toBeVisible()
  expect((await system.task(first)).status).toBe('FAILED')
  expect((await system.task(second)).imageId).toBe((await system.task(first)).imageId)
})

test('a picture that no engine can use says so, and leads to another one', async ({ page, system, worker }) => {
  const task = await system.order(await system.upload('drawing.png', drawing().buffer))
  await page.goto(`/app/tasks/${task}`)
  await (await worker.job(task)).failed('image_rejected', 'no object was found')
  await expectEnd(page, 'FAILED')
  await expect(page.getByText(failures.image_rejected)).toBeVisible()
  await inChinese(page, zhCN.tasks.headline.FAILED, zhCN.failures.image_rejected)
  await page.getByRole('link', { name: tasks.otherPicture }).click()
  await expect(page.getByRole('heading', { level: 1, name: words.pictures.title })).toBeVisible()
})

test('a task is cancelled: the worker stops, and the same picture can be tried again', async ({ page, system, worker }) => {
  const task = await system.order(await system.upload('drawing.png', drawing().buffer))
  const job = await worker.job(task)
  await page.goto(`/app/tasks/${task}`)
  await job.progress(10, 'read')
  await page.getByRole('button', { name: tasks.cancel }).click()
  await page.getByRole('button', { name: tasks.cancelNo }).click()
  await page.getByRole('button', { name: tasks.cancel }).click()
  await page.getByRole('button', { name: tasks.cancelYes }).click()
  await expectEnd(page, 'CANCELLED')
  await expect(page.getByText(tasks.cancelledNothing)).toBeVisible()
  await expect.poll(() => job.stopped, { message: 'the worker is told' }).toBe(true)
  await inChinese(page, zhCN.tasks.headline.CANCELLED, zhCN.tasks.cancelledNothing)

  await page.getByRole('button', { name: tasks.again }).click()
  await expect(page).not.toHaveURL(new RegExp(task))
  await (await worker.job(taskOf(page))).finish()
  await expectEnd(page, 'COMPLETED')
})

test('a worker gives a task back, and another attempt completes it', async ({ page, system, worker }) => {
  const task = await system.order(await system.upload('drawing.png', drawing().buffer))
  const lost = await worker.job(task)
  await page.goto(`/app/tasks/${task}`)
  await lost.file('pixel_images.png', (await import('./results')).strip(0))
  await expect(page.getByRole('button', { name: `${tasks.download} pixel_images.png` })).toBeVisible()
  await lost.released()
  const next = await worker.job(task, 2)
  await expect(page.getByText(tasks.steps.lost)).toBeVisible()
  await expect(page.getByText(tasks.steps.startedAgain)).toBeVisible()
  await expect(page.getByRole('button', { name: `${tasks.download} pixel_images.png` })).toHaveCount(0)
  await next.finish()
  await expectEnd(page, 'COMPLETED')
})

test('the list finds each by how it has ended, and deletes with a way back', async ({ page, system, worker }) => {
  const made: Record<string, string> = {}
  for (const end of ['done', 'failed', 'cancelled', 'running'] as const) {
    const task = made[end] = await system.order(await system.upload(`${end}.png`, drawing().buffer))
    const job = await worker.job(task)
    if (end === 'done') await job.finish()
    if (end === 'failed') await job.failed('worker_failed', 'out of memory')
    if (end === 'cancelled') await system.call(`/api/reconstruction/cancel/${task}`, { method: 'POST' })
    if (end === 'running') await job.progress(64, 'texture')
  }
  const card = (end: string) => page.getByRole('article').filter({ has: page.locator(`a[href$="${made[end]}"]`) })
  await page.goto('/app/tasks')
  await expect(page).toHaveTitle(/^64% · /)
  for (const filter of ['running', 'done', 'failed', 'cancelled'] as const) {
    await page.getByRole('navigation', { name: tasks.filters.label }).getByRole('link', { name: tasks.filters[filter] }).click()
    await expect(page.getByRole('article')).toHaveCount(1)
    await expect(card(filter)).toBeVisible()
  }
  await page.reload()
  await expect(card('cancelled')).toBeVisible()
  await expect(page.getByRole('article')).toHaveCount(1)
  await page.getByRole('navigation', { name: tasks.filters.label }).getByRole('link', { name: tasks.filters.all }).click()
  await expect(page.getByRole('article')).toHaveCount(4)

  await card('failed').getByRole('button', { name: tasks.remove }).click()
  await expect(card('failed')).toHaveCount(0)
  await page.getByRole('button', { name: words.shell.undo }).click()
  await expect(card('failed')).toBeVisible()
  await card('cancelled').getByRole('button', { name: tasks.remove }).click()
  await expect(card('cancelled')).toHaveCount(0)
  await page.reload() // to leave is to mean it
  await expect(page.getByRole('article')).toHaveCount(3)
  await expect.poll(async () => (await system.tasks()).map(({ taskId }) => taskId)).not.toContain(made.cancelled)
})

async function expectEnd(page: Page, end: 'COMPLETED' | 'FAILED' | 'CANCELLED'): Promise<void> {
  await expect(page.getByRole('heading', { level: 1, name: tasks.headline[end] })).toBeVisible()
  await expect(page.locator('.timeline .step').last()).toContainText(tasks.steps[end])
}

/** The same in Chinese, and back. */
async function inChinese(page: Page, headline: string, sentence: string): Promise<void> {
  await page.getByRole('button', { name: '简体中文' }).click()
  await expect(page.getByRole('heading', { level: 1, name: headline })).toBeVisible()
  await expect(page.getByText(sentence)).toBeVisible()
  await page.getByRole('button', { name: 'English' }).click()
  await expect(page.locator('html')).toHaveAttribute('lang', 'en')
}
