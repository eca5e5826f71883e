import { expect, type Page } from '@playwright/test'
import { list, pictures, tasks } from './shots/data'
import { test, type World } from './shots/stage'

interface View extends World {
  path: string
  /** What is there when the view is complete. */
  ready: (page: Page) => Promise<unknown>
  /** What of the page is kept, where the rest is another view's. */
  part?: string
}

const heading = (page: Page) => page.getByRole('heading', { level: 1 }).waitFor()
const modelShown = (page: Page) => page.getByRole('radiogroup').or(page.locator('.viewer .bar')).first().waitFor()

const views: Record<string, View> = {
  'pictures-empty': { path: '/', ready: samplesTurn },
  'pictures': { path: '/', pictures, part: '.gallery', ready: samplesTurn },
  'formats': { path: '/', pictures, part: 'dialog', ready: async (page) => { await samplesTurn(page); await page.locator('.tile .files').first().click() } },
  'refused': { path: '/', pictures, part: '.gallery', ready: async (page) => { await samplesTurn(page); await offer(page) } },
  'waiting': { path: `/app/tasks/${tasks.waiting.taskId}`, tasks: [tasks.waiting], ready: heading },
  'working': { path: `/app/tasks/${tasks.working.taskId}`, tasks: [tasks.working, tasks.waiting], ready: page => page.locator('.strip[data-shown]').waitFor() },
  'completed': { path: `/app/tasks/${tasks.completed.taskId}`, tasks: [tasks.completed], ready: modelShown },
  'failed': { path: `/app/tasks/${tasks.failed.taskId}`, tasks: [tasks.failed], ready: heading },
  'cancelled': { path: `/app/tasks/${tasks.cancelled.taskId}`, tasks: [tasks.cancelled], ready: heading },
  'gone': { path: `/app/tasks/${tasks.completed.taskId}`, ready: heading },
  'models': { path: '/app/tasks', tasks: list, ready: page => page.locator('.task').nth(7).waitFor() },
  'models-empty': { path: '/app/tasks', ready: heading },
  'nowhere': { path: '/app/nowhere', ready: heading },
}

/** Every view at each width, in each theme and in each language; which go together changes from view to view. */
const looks = [
  [{ width: 360, colorScheme: 'light', locale: 'zh-CN' }, { width: 768, colorScheme: 'dark', locale: 'en' }, { width: 1440, colorScheme: 'light', locale: 'en' }],
  [{ width: 360, colorScheme: 'dark', locale: 'en' }, { width: 768, colorScheme: 'light', locale: 'zh-CN' }, { width: 1440, colorScheme: 'dark', locale: 'zh-CN' }],
] as const

const heights = { 360: 740, 768: 1024, 1440: 900 }
/** A part is never scrolled to, for the header would lie over it. */
const TALL = 2400

Object.entries(views).forEach(([name, { path, ready, part, ...world }], i) => {
  for (const { width, colorScheme, locale } of looks[i % looks.length]!) {
    test.describe(() => {
      test.use({ viewport: { width, height: part ? TALL : heights[width] }, colorScheme, locale })

      test(`${name} ${width} ${colorScheme} ${locale}`, async ({ page, world: answers }) => {
        await answers(world)
        await page.goto(path)
        await ready(page)
        await page.mouse.move(0, 0) // off what it pointed at
        await settled(page)
        const file = `${name}-${width}-${colorScheme}-${locale}.png`
        if (part) await expect(page.locator(part)).toHaveScreenshot(file)
        else await expect(page).toHaveScreenshot(file, { fullPage: true })
      })
    })
  }
})

/** Pictures of letters mean little where other letters are drawn: which fonts these are drawn with is part of the reference. */
test('the fonts', async ({ page, world: answers }) => {
  await answers({ pictures })
  await page.goto('/')
  await settled(page)
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('DOM.enable')
  await devtools.send('CSS.enable')
  const fontsOf = async (selector: string) => {
    const { root } = await devtools.send('DOM.getDocument')
    const { nodeId } = await devtools.send('DOM.querySelector', { nodeId: root.nodeId, selector })
    const { fonts } = await devtools.send('CSS.getPlatformFontsForNode', { nodeId })
    return fonts.map(({ familyName, isCustomFont }) => `${familyName}${isCustomFont ? ', the page’s own' : ''}`).sort()
  }
  expect(await fontsOf('h1')).toEqual(['Inter, the page’s own'])
  expect(await fontsOf('.tile .name')).toEqual(['Inter, the page’s own', 'Noto Sans CJK SC']) // 青花瓷 teapot
})

async function samplesTurn(page: Page): Promise<void> {
  await page.locator('.samples [data-turning] .views').waitFor()
}

/** A file that is no picture, whatever its name says. */
async function offer(page: Page): Promise<void> {
  await page.locator('[data-test="chooser"]').setInputFiles({ name: 'notes.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('Not a picture at all.') })
  await page.locator('.tile .why').waitFor()
}

/** Letters and pictures are there, those below the fold too. */
async function settled(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await document.fonts.ready
    scrollTo({ top: 0, behavior: 'instant' })
    const images = [...document.images]
    images.forEach((image) => { image.loading = 'eager' })
    await Promise.all(images.map(image => image.decode()))
  })
}
