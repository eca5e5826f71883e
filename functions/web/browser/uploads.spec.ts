import type { Locator } from '@playwright/test'
import { expect, test as base, words } from './fixtures'
import { choose, drop } from './people'
import { drawing, heavy } from './photos'
import { failedRequest } from './watch'
import { Wire } from './wire'

const { pictures, problems, shell } = words

const test = base.extend<{ wire: Wire }>({
  wire: async ({ system }, use) => {
    const wire = await Wire.to(system.url)
    await use(wire)
    await wire.close()
  },
})

test.use({ hands: 'own' })

/** A picture that a request can hold, and more than a line that is held passes on. */
const large = (name: string) => heavy(name, 4e6)
const SOME = 256 * 1024

test.beforeEach(async ({ page, wire }) => {
  await page.goto(wire.url)
})

test('the backend is away during an upload: a sentence, another try, one picture', async ({ page, system, wire, watch }) => {
  watch.expect(failedRequest)
  const photo = large('duck.png')
  wire.hold(SOME)
  await drop(page, photo)
  const card = page.getByRole('article', { name: photo.name })
  await expectOnTheWay(card)
  const back = await system.away('picture')
  try {
    wire.release()
    await expect(card.getByRole('alert')).toContainText(problems.unavailable)
    await retry(card)
    await expect(card.getByRole('alert')).toContainText(problems.unavailable)
  } finally {
    back()
  }
  // The host starts it again by and by; a person tries again as long.
  await expect(async () => {
    await retry(card)
    await expect(card.getByRole('button', { name: pictures.make })).toBeVisible({ timeout: 4_000 })
  }).toPass()
  await page.reload()
  await expect(page.getByRole('article', { name: photo.name })).toHaveCount(1)
  expect(await system.pictures()).toHaveLength(1)
})

test('the line is cut during an upload: a sentence, another try, one picture', async ({ page, system, wire, watch }) => {
  watch.expect(failedRequest)
  const photo = large('rocket.png')
  wire.hold(SOME)
  await drop(page, photo)
  const card = page.getByRole('article', { name: photo.name })
  await expectOnTheWay(card)
  wire.cut()
  await expect(card.getByRole('alert')).toContainText(problems.unreachable)
  await retry(card)
  await expect(card.getByRole('alert')).toContainText(problems.unreachable)
  wire.mend()
  await retry(card)
  await expect(card.getByRole('button', { name: pictures.make })).toBeVisible()
  expect(await system.pictures()).toHaveLength(1)
})

test('without a network the page says so, and when it is back', async ({ page, watch }) => {
  watch.expect(failedRequest) // what was still to be loaded
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
  await drop(page, photo)
  const card = page.getByRole('article', { name: photo.name })
  await expect(card.getByRole('alert')).toContainText(problems.unreachable)
  await card.getByRole('button', { name: shell.retry }).click()
  await expect(card.getByRole('button', { name: pictures.make })).toBeVisible()
  expect(await system.pictures()).toHaveLength(1)
})

test('an upload is cancelled and taken up again; a picture is deleted and comes back', async ({ page, system, wire, watch }) => {
  watch.expect(failedRequest)
  const photo = large('teapot.png')
  wire.hold(SOME)
  await choose(page, photo, page.getByRole('button', { name: pictures.choose }))
  const card = page.getByRole('article', { name: photo.name })
  await expectOnTheWay(card)
  await card.getByRole('button', { name: pictures.cancelOf.replace('{name}', photo.name) }).click()
  await expect(card.getByText(pictures.cancelled)).toBeVisible()
  expect(await system.pictures()).toHaveLength(0)
  wire.release()
  await retry(card)
  await expect(card.getByRole('button', { name: pictures.make })).toBeVisible()

  await card.getByRole('button', { name: pictures.deleteOf.replace('{name}', photo.name) }).click()
  await expect(card).toHaveCount(0)
  await page.getByRole('button', { name: shell.undo }).click()
  await expect(card).toHaveCount(1)
  expect(await system.pictures()).toHaveLength(1)
  await card.getByRole('button', { name: pictures.deleteOf.replace('{name}', photo.name) }).click()
  await expect(card).toHaveCount(0)
  await page.reload() // to leave is to mean it
  await expect.poll(async () => (await system.pictures()).length).toBe(0)
})

async function expectOnTheWay(card: Locator): Promise<void> {
  await expect.poll(async () => Number(await card.getByRole('progressbar').getAttribute('aria-valuenow'))).toBeGreaterThan(0)
}

/** Clicks where there is something to click: it may have come to its end just now. */
async function retry(card: Locator): Promise<void> {
  await card.getByRole('button', { name: shell.retry }).evaluateAll((buttons: HTMLElement[]) => buttons.forEach(button => button.click()))
}
