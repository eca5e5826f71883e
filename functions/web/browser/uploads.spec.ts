import type { Locator } from '@playwright/test'
import { expect, test, words } from './fixtures'
import { choose, drop, slowly } from './people'
import { drawing, heavy } from './photos'
import { failedRequest } from './watch'
import { Wire } from './wire'

const { pictures, problems, shell } = words

test.use({ hands: 'own' })

test('the backend is away during an upload: a sentence, another try, one picture', async ({ page, system, watch }) => {
  watch.expect(failedRequest)
  const photo = heavy('duck.png', 1e6)
  await page.goto('/')
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  const quick = await slowly(page, 128 * 1024)
  await drop(page, photo)
  const card = page.getByRole('article', { name: photo.name })
  await expectOnTheWay(card)
  const back = await system.away('picture')
  try {
    await quick()
    await expect(card.getByRole('alert')).toContainText(problems.unavailable)
    await card.getByRole('button', { name: shell.retry }).click()
    await expect(card.getByRole('alert')).toContainText(problems.unavailable)
  } finally {
    back()
  }
  // The host tries to start it again by and by; a person tries again as long.
  await expect(async () => {
    await card.getByRole('button', { name: shell.retry }).click({ timeout: 1_000 }).catch(() => undefined) // it may be done by now
    await expect(card.getByRole('button', { name: pictures.make })).toBeVisible({ timeout: 4_000 })
  }).toPass()
  await page.reload()
  await expect(page.getByRole('article', { name: photo.name })).toHaveCount(1)
  expect(await system.pictures()).toHaveLength(1)
})

test('the line is cut during an upload: a sentence, another try, one picture', async ({ page, system, watch }) => {
  watch.expect(failedRequest)
  const wire = await Wire.to(system.url)
  try {
    const photo = heavy('rocket.png', 1e6)
    await page.goto(wire.url)
    const quick = await slowly(page, 128 * 1024)
    await drop(page, photo)
    const card = page.getByRole('article', { name: photo.name })
    await expectOnTheWay(card)
    wire.cut()
    await expect(card.getByRole('alert')).toContainText(problems.unreachable)
    await card.getByRole('button', { name: shell.retry }).click()
    await expect(card.getByRole('alert')).toContainText(problems.unreachable)
    wire.mend()
    await quick()
    await card.getByRole('button', { name: shell.retry }).click()
    await expect(card.getByRole('button', { name: pictures.make })).toBeVisible()
    expect(await system.pictures()).toHaveLength(1)
  } finally {
    await wire.close()
  }
})

test('without a network the page says so, and when it is back', async ({ page }) => {
  await page.goto('/')
  await page.context().setOffline(true)
  await expect(page.getByText(shell.offline)).toBeVisible()
  await page.context().setOffline(false)
  await expect(page.getByText(shell.offline)).toBeHidden()
})

test('the answer to an upload is lost: trying again makes no second picture', async ({ page, system, watch }) => {
  watch.expect(failedRequest)
  const photo = drawing()
  await page.route('**/picture/upload', async (route) => {
    await route.fetch()
    await route.abort('connectionreset')
  }, { times: 1 })
  await page.goto('/')
  await drop(page, photo)
  const card = page.getByRole('article', { name: photo.name })
  await expect(card.getByRole('alert')).toContainText(problems.unreachable)
  await card.getByRole('button', { name: shell.retry }).click()
  await expect(card.getByRole('button', { name: pictures.make })).toBeVisible()
  expect(await system.pictures()).toHaveLength(1)
})

test('an upload is cancelled and taken up again; a picture is deleted and comes back', async ({ page, system, watch }) => {
  watch.expect(failedRequest)
  const photo = heavy('teapot.png', 1e6)
  await page.goto('/')
  const quick = await slowly(page, 128 * 1024)
  await choose(page, photo, page.getByRole('button', { name: pictures.choose }))
  const card = page.getByRole('article', { name: photo.name })
  await expectOnTheWay(card)
  await card.getByRole('button', { name: pictures.cancelOf.replace('{name}', photo.name) }).click()
  await expect(card.getByText(pictures.cancelled)).toBeVisible()
  expect(await system.pictures()).toHaveLength(0)
  await quick()
  await card.getByRole('button', { name: shell.retry }).click()
  await expect(card.getByRole('button', { name: pictures.make })).toBeVisible()

  await card.getByRole('button', { name: pictures.deleteOf.replace('{name}', photo.name) }).click()
  await expect(card).toHaveCount(0)
  await page.getByRole('button', { name: shell.undo }).click()
  await expect(card).toHaveCount(1)
  expect(await system.pictures()).toHaveLength(1)
  await card.getByRole('button', { name: pictures.deleteOf.replace('{name}', photo.name) }).click()
  await expect.poll(async () => (await system.pictures()).length).toBe(0)
})

/** Some of it is sent, and not all. */
async function expectOnTheWay(card: Locator): Promise<void> {
  const percent = async () => Number(await card.getByRole('progressbar').getAttribute('aria-valuenow'))
  await expect.poll(percent).toBeGreaterThan(0)
  expect(await percent()).toBeLessThan(100)
}
