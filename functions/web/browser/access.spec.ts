import AxeBuilder from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { expect, test, words } from './fixtures'
import { drop } from './people'
import { drawing } from './photos'
import { failedRequest } from './watch'

const { pictures, tasks, viewer, shell } = words

const widths = [360, 1440]
const schemes = ['light', 'dark'] as const

test.use({ hands: 'own', contextOptions: { reducedMotion: 'reduce' } })

/** What axe finds, in both themes and at both widths; no rule is switched off. */
async function expectAccessible(page: Page, what: string): Promise<void> {
  for (const width of widths) {
    await page.setViewportSize({ width, height: 800 })
    for (const colorScheme of schemes) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await settled(page)
      const { violations } = await new AxeBuilder({ page }).analyze()
      const found = violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id} ${target.join(' ')}\n${failureSummary}`))
      expect(found, `${what}, ${colorScheme}, ${width} px`).toEqual([])
    }
  }
}

/** Colours fade: what is half-way is no colour of the page's. */
async function settled(page: Page): Promise<void> {
  await page.evaluate(() => Promise.all(document.getAnimations()
    .filter(({ effect }) => effect?.getComputedTiming().iterations !== Infinity)
    .map(animation => animation.finished.catch(() => undefined)))) // cut short is over, too
}

test('the pictures: none, some, one refused', async ({ page, system }) => {
  await page.goto('/')
  await expect(page.getByRole('heading', { level: 2, name: pictures.samples })).toBeVisible()
  await expectAccessible(page, 'no pictures')

  await system.upload('first.png', drawing().buffer)
  await page.reload()
  await drop(page, drawing('second.png'))
  await drop(page, { name: 'text.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('no picture') })
  await expect(page.getByRole('button', { name: pictures.makeOf.replace('{name}', 'second.png') })).toBeVisible()
  await expectAccessible(page, 'some pictures')
})

test('the dialogs: files to make, and the camera', async ({ page, system }) => {
  await system.upload('first.png', drawing().buffer)
  await page.goto('/')
  await page.getByRole('button', { name: pictures.formatsOf.replace('{name}', 'first.png') }).click()
  await expect(page.getByRole('dialog', { name: pictures.formatsTitle })).toBeVisible()
  await expectAccessible(page, 'the formats')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: pictures.camera }).click()
  await expect(page.getByRole('dialog', { name: pictures.cameraTitle })).toBeVisible()
  await expectAccessible(page, 'the camera')
})

test('the list, with a task in each state, and without any', async ({ page, system, worker }) => {
  await page.goto('/app/tasks')
  await expect(page.getByRole('heading', { name: tasks.empty })).toBeVisible()
  await expectAccessible(page, 'an empty list')
  for (const end of ['done', 'failed', 'cancelled', 'running']) {
    const task = await system.order(await system.upload(`${end}.png`, drawing().buffer))
    const job = await worker.job(task)
    if (end === 'done') await job.finish()
    if (end === 'failed') await job.failed('worker_failed', 'out of memory')
    if (end === 'cancelled') await system.call(`/api/reconstruction/cancel/${task}`, { method: 'POST' })
    if (end === 'running') await job.progress(64, 'texture')
  }
  await page.reload()
  await expect(page.getByRole('article')).toHaveCount(4)
  await expectAccessible(page, 'a list')
})

test('a task in progress, and when asked whether to stop', async ({ page, system, worker }) => {
  const task = await system.order(await system.upload('drawing.png', drawing().buffer))
  await (await worker.job(task)).progress(40, 'mesh')
  await page.goto(`/app/tasks/${task}`)
  await expect(page.getByText(tasks.stages.mesh).first()).toBeVisible()
  await expectAccessible(page, 'in progress')
  await page.getByRole('button', { name: tasks.cancel }).click()
  await expectAccessible(page, 'the question whether to stop')
})

test('a model, its looks and its settings', async ({ page, system, worker }) => {
  const task = await system.order(await system.upload('drawing.png', drawing().buffer))
  await (await worker.job(task)).finish()
  await page.goto(`/app/tasks/${task}`)
  await expect(page.locator('canvas')).toBeVisible()
  await expectAccessible(page, 'a model')
  await page.getByRole('radio', { name: viewer.modes.invented, exact: true }).check()
  await page.getByRole('button', { name: viewer.settings }).click()
  await expectAccessible(page, 'the settings')
})

test('what has failed, and what is not there', async ({ page, system, worker, watch }) => {
  const task = await system.order(await system.upload('drawing.png', drawing().buffer))
  await (await worker.job(task)).failed('worker_failed', 'out of memory')
  await page.goto(`/app/tasks/${task}`)
  await expect(page.getByRole('heading', { level: 1, name: tasks.headline.FAILED })).toBeVisible()
  await expectAccessible(page, 'a failed task')
  await page.goto('/app/nowhere')
  await expect(page.getByRole('heading', { level: 1, name: shell.notFound })).toBeVisible()
  await expectAccessible(page, 'nothing')
  watch.expect(failedRequest)
  await page.goto('/app/tasks/019bc0c6-a4b1-7ebb-829f-a86d481c2625')
  await expect(page.getByRole('heading', { level: 1, name: tasks.gone })).toBeVisible()
  await expectAccessible(page, 'no such task')
})
