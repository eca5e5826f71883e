import { readFile, stat } from 'node:fs/promises'
import type { Page } from '@playwright/test'
import { difference, look, lookAt, lookWhenStill, type Sight } from './canvas'
import { expect, test, words } from './fixtures'
import { listenIn, shownStages } from './heard'
import { choose, drop, taskOf, taskPage } from './people'
import { drawing, emptiness, ownPicture, realPhoto, type Photo } from './photos'

const { pictures, tasks, viewer } = words
const stories: [string, Photo | null][] = [['a picture of the project', ownPicture('toadstool')], ['a real photograph', realPhoto('apple.jpg')]]

for (const [what, photo] of stories) {
  test(`from ${what} to a model, and back tomorrow`, async ({ page, system, visitor }) => {
    test.skip(!photo, 'The sample photographs are not beside this repository.')
    if (!photo) return
    test.slow() // it is the longest of all
    await listenIn(page.context())
    await page.goto('/')

    await test.step('the picture is dropped, and its way is seen', async () => {
      const goOn = await system.hold('picture')
      try {
        await drop(page, photo)
        await expect(page.getByRole('progressbar', { name: pictures.progressOf.replace('{name}', photo.name) })).toBeVisible()
      } finally {
        goOn()
      }
      const card = page.getByRole('article', { name: photo.name })
      await expect(card.getByRole('button', { name: pictures.make })).toBeVisible()
    })

    const task = await test.step('a task is made of it, and the page is reloaded in the middle', async () => {
      const goOn = await system.holdEngine()
      try {
        await page.getByRole('button', { name: pictures.makeOf.replace('{name}', photo.name) }).click()
        await expect(page).toHaveURL(taskPage)
        await expectWorking(page)
        await page.reload()
        await expectWorking(page)
      } finally {
        goOn()
      }
      return taskOf(page)
    })

    await test.step('stages, views and model come', async () => {
      await expect(page.getByRole('heading', { level: 1, name: tasks.headline.COMPLETED })).toBeVisible({ timeout: 30_000 })
      const stages = await shownStages(page) // short ones may come and go between two paints
      expect(stages.length).toBeGreaterThan(1)
      expect(Object.values(tasks.stages)).toEqual(expect.arrayContaining(stages))
      await expectEnd(page)
    })

    await test.step('each look is another', async () => {
      const front = await lookWhenStill(page)
      await page.locator('canvas').focus()
      for (let i = 0; i < 14; i++) await page.keyboard.press('ArrowLeft') // to where more is invented
      const sights = [await lookWhenStill(page)]
      expect(difference(sights[0]!, front), 'it was turned').toBeGreaterThan(0.02)
      for (const mode of ['clay', 'wireframe', 'normals', 'invented'] as const) {
        await page.getByRole('radio', { name: viewer.modes[mode], exact: true }).check()
        const apart = (now: Sight) => Math.min(...sights.map(before => difference(now, before)))
        await expect.poll(async () => apart(await lookAt(page)), { message: `${mode} looks like no other` }).toBeGreaterThan(0.02)
        sights.push(await lookWhenStill(page))
        expect(sights.at(-1)?.share, `${mode} shows a model`).toBeGreaterThan(0.02)
      }
      await expect(page.getByText(viewer.legend)).toBeVisible()
    })

    await test.step('a picture of it is saved', async () => {
      const download = page.waitForEvent('download')
      await page.getByRole('button', { name: viewer.screenshot }).click()
      const saved = await download
      expect(saved.suggestedFilename()).toBe('model-invented.png')
      expect(look(await readFile(await saved.path())).share).toBeGreaterThan(0.02)
    })

    await test.step('each file is had whole', async () => {
      const { results } = await system.task(task)
      expect(results.length).toBeGreaterThan(4)
      for (const { name, size } of results) {
        const download = page.waitForEvent('download')
        await files(page).getByRole('button', { name: `${tasks.download} ${name}` }).click()
        const saved = await download
        expect(saved.suggestedFilename()).toBe(name)
        expect((await stat(await saved.path())).size, name).toBe(size)
      }
    })

    await test.step('a reload comes back to it', async () => {
      const steps = await page.locator('.timeline .step').allInnerTexts()
      await page.reload()
      await expectEnd(page)
      await expect(page.locator('.timeline .step')).toHaveText(steps)
    })

    await test.step('tomorrow it is found in the list', async () => {
      const tomorrow = await visitor()
      await tomorrow.goto('/')
      await tomorrow.getByRole('navigation').getByRole('link', { name: words.shell.tasks }).click()
      const card = tomorrow.getByRole('article').filter({ has: tomorrow.locator(`a[href$="${task}"]`) })
      await expect(card).toContainText(words.status.COMPLETED)
      await card.getByRole('link').click()
      await expectEnd(tomorrow)
    })
  })
}

test('a click on a sample is enough', async ({ page }) => {
  await page.goto('/')
  await page.getByRole('button', { name: pictures.trySample.replace('{name}', pictures.sample.rocket) }).click()
  await expect(page).toHaveURL(taskPage)
  await expectEnd(page)
  await page.getByRole('link', { name: tasks.make }).click()
  await expect(page.getByRole('article', { name: 'rocket.webp' })).toBeVisible()
})

test('the formats that are asked for come beside the usual ones', async ({ page }) => {
  const photo = drawing()
  await page.goto('/')
  await choose(page, photo, page.getByRole('button', { name: pictures.choose }))
  await page.getByRole('button', { name: pictures.formatsOf.replace('{name}', photo.name) }).click()
  const dialog = page.getByRole('dialog', { name: pictures.formatsTitle })
  await dialog.getByRole('checkbox', { name: 'STL' }).check()
  await dialog.getByRole('button', { name: pictures.make }).click()
  await expect(page).toHaveURL(taskPage)
  await expect(files(page).getByRole('button', { name: 'model.stl' })).toBeVisible({ timeout: 30_000 })
  await expectEnd(page)
})

test('an empty picture is refused by the engine: a sentence, and another picture', async ({ page }) => {
  const photo = emptiness()
  await page.goto('/')
  await drop(page, photo)
  await page.getByRole('button', { name: pictures.makeOf.replace('{name}', photo.name) }).click()
  await expect(page).toHaveURL(taskPage)
  await expect(page.getByRole('heading', { level: 1, name: tasks.headline.FAILED })).toBeVisible({ timeout: 30_000 })
  await expect(page.getByText(words.failures.image_rejected)).toBeVisible()
  await page.getByRole('link', { name: tasks.otherPicture }).click()
  await expect(page.getByRole('heading', { level: 1, name: pictures.title })).toBeVisible()
})

const files = (page: Page) => page.locator('section').filter({ has: page.getByRole('heading', { level: 2, name: tasks.files }) })

async function expectWorking(page: Page): Promise<void> {
  await expect(page.getByRole('heading', { level: 1, name: tasks.headline.PROCESSING })).toBeVisible()
  await expect(page.getByRole('list').getByText(tasks.steps.created)).toBeVisible()
  await expect(page.getByRole('list').getByText(tasks.steps.started)).toBeVisible()
  await expect(page.getByRole('img', { name: tasks.photoAlt })).toBeVisible()
  await expect(page).toHaveTitle(/^\d+% · /)
}

/** All that a completed task's page has to show. */
async function expectEnd(page: Page): Promise<void> {
  await expect(page.getByRole('heading', { level: 1, name: tasks.headline.COMPLETED })).toBeVisible({ timeout: 30_000 })
  await expect(page).not.toHaveTitle(/%/)
  for (const strip of [tasks.views, tasks.maps]) {
    for (const side of Object.values(tasks.sides)) {
      const view = page.getByRole('img', { name: `${strip}: ${side}`, exact: true })
      await expect(view).toBeVisible()
      await expect.poll(() => view.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0)
    }
  }
  await expect(page.locator('canvas')).toBeVisible({ timeout: 30_000 })
  await expect.poll(async () => (await lookAt(page)).share, { message: 'the model is seen' }).toBeGreaterThan(0.02)
}
