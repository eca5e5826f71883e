import { devices, type Page } from '@playwright/test'
import { difference, lookAt, lookWhenStill } from './canvas'
import { expect, test, words } from './fixtures'
import { choose, taskPage } from './people'
import { ownPicture } from './photos'

const { pictures, tasks, viewer, shell } = words

test.describe('on a phone', () => {
  const { userAgent, deviceScaleFactor, isMobile, hasTouch } = devices['Galaxy S9+']
  test.use({ userAgent, deviceScaleFactor, isMobile, hasTouch, viewport: { width: 360, height: 740 } })

  test('from a picture to a model that a finger turns', async ({ page }) => {
    const photo = ownPicture('duck')
    await page.goto('/')
    await expect(page.getByRole('heading', { level: 2, name: pictures.tapTitle })).toBeVisible()
    await expectNothingCut(page)
    await choose(page, photo, page.getByRole('button', { name: pictures.choose }))
    await page.getByRole('button', { name: pictures.makeOf.replace('{name}', photo.name) }).tap()
    await expect(page).toHaveURL(taskPage)
    await expect(page.getByRole('heading', { level: 1, name: tasks.headline.COMPLETED })).toBeVisible({ timeout: 30_000 })
    await expect(page.locator('canvas')).toBeVisible({ timeout: 30_000 })
    await expectNothingCut(page)

    await page.locator('canvas').scrollIntoViewIfNeeded()
    const before = await lookWhenStill(page)
    expect(before.share).toBeGreaterThan(0.02)
    await swipe(page, 120)
    await expect.poll(async () => difference(await lookAt(page), before), { message: 'the finger turns it' }).toBeGreaterThan(0.02)

    await page.getByRole('button', { name: viewer.settings }).tap()
    await page.getByRole('radio', { name: viewer.backgrounds.dark, exact: true }).tap()
    await page.getByRole('radio', { name: viewer.modes.clay, exact: true }).tap()
    await expect(page.getByRole('radio', { name: viewer.modes.clay, exact: true })).toBeChecked()
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: `${tasks.download} model.glb` }).last().tap()
    expect((await download).suggestedFilename()).toBe('model.glb')

    await page.getByRole('navigation').getByRole('link', { name: shell.tasks }).tap()
    await expect(page.getByRole('article')).toHaveCount(1)
    await expectNothingCut(page)
  })
})

test('from a picture to a model by keyboard alone', async ({ page }) => {
  const photo = ownPicture('duck')
  await page.goto('/')
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  await page.keyboard.press('Tab')
  await expect(page.getByRole('link', { name: shell.skip })).toBeFocused()
  await page.keyboard.press('Enter')
  const asked = page.waitForEvent('filechooser')
  await tabTo(page, pictures.choose)
  await page.keyboard.press('Enter')
  await (await asked).setFiles(photo)
  const make = pictures.makeOf.replace('{name}', photo.name)
  await expect(page.getByRole('button', { name: make })).toBeVisible()
  await tabTo(page, make)
  await page.keyboard.press('Enter')

  await expect(page).toHaveURL(taskPage)
  await expect(page.getByRole('heading', { level: 1, name: tasks.headline.COMPLETED })).toBeVisible({ timeout: 30_000 })
  await expect(page.locator('canvas')).toBeVisible({ timeout: 30_000 })
  await tabTo(page, viewer.title)
  const before = await lookWhenStill(page)
  for (const key of ['ArrowLeft', 'ArrowLeft', 'ArrowUp', '+']) await page.keyboard.press(key)
  await expect.poll(async () => difference(await lookAt(page), before), { message: 'arrow keys turn it' }).toBeGreaterThan(0.02)

  await tabTo(page, viewer.settings)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('group', { name: viewer.light })).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page.getByRole('group', { name: viewer.light })).toBeHidden()
  await tabTo(page, viewer.modes.textured)
  await page.keyboard.press('ArrowRight')
  await expect(page.getByRole('radio', { name: viewer.modes.clay, exact: true })).toBeChecked()
  const download = page.waitForEvent('download')
  await tabTo(page, /model\.glb/)
  await page.keyboard.press('Enter')
  expect((await download).suggestedFilename()).toBe('model.glb')
  await tabTo(page, tasks.remove, 'Shift+Tab')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/\/app\/tasks$/)
  await tabTo(page, shell.undo)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('article')).toHaveCount(1)
})

/** Goes on from control to control, as somebody without a mouse does; each of them has to show where one is. */
async function tabTo(page: Page, name: string | RegExp, key = 'Tab'): Promise<void> {
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press(key)
    const { label, ring } = await page.evaluate(() => {
      const at = document.activeElement as HTMLInputElement | null
      const labelled = at?.labels?.[0] ?? at
      const style = (element: Element | null | undefined) => element ? getComputedStyle(element) : null
      return {
        label: (at?.getAttribute('aria-label') ?? labelled?.textContent ?? '').trim().replace(/\s+/g, ' '),
        ring: [at, labelled].some(element => style(element)?.outlineStyle !== 'none' || style(element)?.boxShadow !== 'none'),
      }
    })
    if (typeof name === 'string' ? label !== name : !name.test(label)) continue
    expect(ring, `${label} shows that it has the focus`).toBe(true)
    return
  }
  throw new Error(`${key} does not lead to ${name}`)
}

/** One finger across the model. */
async function swipe(page: Page, distance: number): Promise<void> {
  const box = (await page.locator('canvas').boundingBox())!
  const session = await page.context().newCDPSession(page)
  const [x, y] = [box.x + box.width / 2 - distance / 2, box.y + box.height / 2]
  const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', touchPoints: { x: number, y: number }[]) =>
    session.send('Input.dispatchTouchEvent', { type, touchPoints })
  await touch('touchStart', [{ x, y }])
  for (let i = 1; i <= 10; i++) await touch('touchMove', [{ x: x + distance * i / 10, y }])
  await touch('touchEnd', [])
  await session.detach()
}

/** No part of the page lies beside the window. */
async function expectNothingCut(page: Page): Promise<void> {
  await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(0)
}
