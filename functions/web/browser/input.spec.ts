import { writeFile } from 'node:fs/promises'
import type { Page } from '@playwright/test'
import { expect, test, words } from './fixtures'
import { choose, drop } from './people'
import { drawing, heavy } from './photos'
import { archive, bomb, climber } from './results'
import { failedRequest } from './watch'

const { pictures, tasks, viewer, problems, shell } = words

test.use({ hands: 'own' })

test('a text that is called .jpg is not sent', async ({ page, system }) => {
  await page.goto('/')
  await drop(page, { name: 'holiday.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('Dear diary, today we went to the sea.') })
  const card = page.getByRole('article', { name: 'holiday.jpg' })
  await expect(card).toContainText(pictures.refused.notPicture)
  await card.getByRole('button', { name: pictures.dismiss, exact: true }).click()
  await expect(card).toHaveCount(0)
  expect(await system.pictures()).toHaveLength(0)
  await expectUsable(page)
})

test('a picture of 60 MB is shrunk first', async ({ page, system }, info) => {
  await page.goto('/')
  const path = info.outputPath('large.png')
  await writeFile(path, heavy('large.png', 60 * 1024 ** 2).buffer)
  await choose(page, path, page.getByRole('button', { name: pictures.choose }))
  const card = page.getByRole('article', { name: /^large\./ })
  await expect(card).toContainText(/60 MB; the limit is 50 MB/)
  await card.getByRole('button', { name: pictures.shrink }).click()
  await expect(card.getByRole('button', { name: pictures.make })).toBeVisible()
  const [picture] = await system.pictures()
  expect(picture).toMatchObject({ width: 640, height: 480 })
  expect(picture!.size).toBeLessThan(5e6)
})

test('a picture of 12 MB goes straight to the storage', async ({ page, system }) => {
  await page.goto('/')
  await choose(page, heavy('direct.png', 12e6), page.getByRole('button', { name: pictures.choose }))
  await expect(page.getByRole('article', { name: 'direct.png' }).getByRole('button', { name: pictures.make })).toBeVisible()
  expect(await system.pictures()).toMatchObject([{ name: 'direct.png', size: 12e6 }])
})

test.describe('results that nobody should open', () => {
  const bad = {
    'a bomb': { file: bomb, sentence: viewer.failures.too_large },
    'an archive that climbs out of its folder': { file: climber, sentence: viewer.failures.unsafe },
    'no archive': { file: () => new TextEncoder().encode('PK, as they say'), sentence: viewer.failures.format },
  }
  for (const [what, { file, sentence }] of Object.entries(bad)) {
    test(what, async ({ page, system, worker }) => {
      const task = await system.order(await system.upload('drawing.png', drawing().buffer))
      await (await worker.job(task)).finish({ 'model.glb': null, 'output3d.zip': file() })
      await page.goto(`/app/tasks/${task}`)
      await expect(page.getByText(sentence)).toBeVisible()
      await expect(page.getByRole('img', { name: `${tasks.views}: ${tasks.sides.front}` })).toBeVisible()
      const download = page.waitForEvent('download')
      await page.getByRole('button', { name: `${tasks.download} output3d.zip` }).click()
      expect((await download).suggestedFilename()).toBe('output3d.zip')
    })
  }

  test('a good archive alone is enough', async ({ page, system, worker }) => {
    const task = await system.order(await system.upload('drawing.png', drawing().buffer))
    await (await worker.job(task)).finish({ 'model.glb': null, 'output3d.zip': archive() })
    await page.goto(`/app/tasks/${task}`)
    await expect(page.locator('canvas')).toBeVisible()
  })
})

test.describe('an API that makes no sense', () => {
  const html = { status: 200, contentType: 'text/html', body: '<!doctype html><title>Maintenance</title>' }
  for (const [what, forge, sentence] of [
    ['answers HTML', html, problems.not_json],
    ['answers HTML as an error', { ...html, status: 502 }, problems.unavailable],
    ['answers nothing', { status: 200, body: '' }, problems.not_json],
    ['is not there', null, problems.unreachable],
  ] as const) {
    test(what, async ({ page, system, worker, watch }) => {
      watch.expect(failedRequest)
      const task = await system.order(await system.upload('drawing.png', drawing().buffer))
      await (await worker.job(task)).finish()
      const api = /\/(api|picture)\//
      await page.route(api, route => forge ? route.fulfill(forge) : route.abort('connectionrefused'))

      await page.goto('/')
      await expect(page.getByRole('alert').filter({ hasText: sentence })).toBeVisible()
      await page.getByRole('navigation').getByRole('link', { name: shell.tasks }).click()
      await expect(page.getByRole('alert').filter({ hasText: sentence })).toBeVisible()
      await page.goto(`/app/tasks/${task}`)
      await expect(page.getByRole('alert').filter({ hasText: sentence })).toBeVisible({ timeout: 20_000 })

      await page.unroute(api)
      // It may have tried again by itself just now: then there is nothing to click.
      await page.getByRole('alert').getByRole('button', { name: shell.retry }).evaluateAll((buttons: HTMLElement[]) => buttons.forEach(button => button.click()))
      await expect(page.getByRole('heading', { level: 1, name: tasks.headline.COMPLETED })).toBeVisible()
      await page.getByRole('navigation').getByRole('link', { name: shell.pictures }).click()
      await expect(page.getByRole('article', { name: 'drawing.png' })).toBeVisible()
    })
  }
})

/** The page takes the next picture as if nothing had been. */
async function expectUsable(page: Page): Promise<void> {
  const photo = drawing('next.png')
  await choose(page, photo, page.getByRole('button', { name: pictures.choose }))
  await expect(page.getByRole('article', { name: photo.name }).getByRole('button', { name: pictures.make })).toBeVisible()
}
