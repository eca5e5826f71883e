// @vitest-environment node
import type { Browser, Page } from 'playwright-core'
import { strToU8, zipSync } from 'fflate'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { launch, serveBench, TASK, type File } from '@/testing/viewer/browser'
import { glb, hugePng, objZip } from '@/testing/viewer/models'
import type { watched as watching } from '@/testing/viewer/watched'
import en from '@/i18n/en/viewer'

let bench: Awaited<ReturnType<typeof serveBench>>
let browser: Browser
let page: Page
let complaints: string[]

beforeAll(async () => {
  bench = await serveBench()
  browser = await launch()
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await bench?.close()
})

async function visit(on = browser, options: Parameters<Browser['newPage']>[0] = {}) {
  page = await on.newPage({ locale: 'en-US', reducedMotion: 'reduce', ...options })
  complaints = []
  page.on('pageerror', error => complaints.push(error.message))
  // Errors only: what cannot be shown is warned of on purpose, and software WebGL warns of its slowness.
  page.on('console', message => message.type() === 'error' && complaints.push(message.text()))
  await page.goto(bench.url)
  await page.waitForFunction(() => 'bench' in window)
}

const open = (...files: File[]) => {
  bench.put(...files)
  return page.evaluate(id => window.bench.open(id), TASK)
}
/** By a locator: a selector's handle would hold the element, and all of its model, in the page's memory. */
const shown = () => page.locator('[data-phase=ready]').waitFor()
const close = () => page.evaluate(() => window.bench.close())
/** Of the worker in which the stage is. */
const stage = () => page.workers().find(worker => worker.url().includes('stage.worker'))!
const draws = () => stage().evaluate(() => watched.draws.count)

declare const watched: ReturnType<typeof watching>

/** The middle of the canvas, as someone sees it. */
async function colours() {
  const clip = (await page.locator('canvas').boundingBox())!
  return (await page.screenshot({ clip, animations: 'disabled' })).toString('base64')
}

/** What shows once it is other than `before`: the worker's frames come to the screen when they do, and a busy machine takes its time. */
async function change(before: string) {
  await expect.poll(colours, { timeout: 20_000 }).not.toBe(before)
  return colours()
}

/** The stage before its first frame has come to the screen. By opacity: what is hidden loses the focus, at some frame to come. */
async function blank() {
  const opaque = (opacity: string) => page.locator('canvas').evaluate((canvas, to) => { canvas.style.opacity = to }, opacity)
  await opaque('0')
  const empty = await colours()
  await opaque('')
  return empty
}

/** Two frames without a draw: whatever was under way has ended. */
async function settle() {
  await stage().evaluate(() => new Promise<void>((resolve) => {
    const look = (before: number) => requestAnimationFrame(() => requestAnimationFrame(() => {
      if (watched.draws.count === before) resolve()
      else look(watched.draws.count)
    }))
    look(watched.draws.count)
  }))
}

describe('the viewer', { timeout: 60_000 }, () => {
  afterEach(async () => {
    await page.close()
    expect(complaints).toEqual([])
  })

  it.each([['model.glb', glb()], ['output3d.zip', objZip({ stem: 'tmp8x' })]])('shows %s in every look, each unlike the others', async (name, body) => {
    await visit()
    await open({ name, body })
    await shown()
    let last = await blank()
    const seen = new Set<string>()
    for (const mode of ['textured', 'clay', 'wireframe', 'normals', 'invented']) {
      await page.getByRole('radio', { name: en.modes[mode as keyof typeof en.modes], exact: true }).check({ force: true })
      await settle()
      seen.add(last = await change(last))
    }
    expect(seen.size).toBe(5)
  })

  it('turns by mouse and keys, goes back, and draws only then', async () => {
    await visit()
    await open({ name: 'model.glb', body: glb() })
    await shown()
    const canvas = page.locator('canvas')
    await canvas.focus()
    await settle()
    const first = await change(await blank())

    let last = first
    for (const key of ['ArrowLeft', 'ArrowUp', 'Shift+ArrowLeft', '+']) {
      await page.keyboard.press(key)
      last = await change(last)
    }
    await page.keyboard.press('0')
    await expect.poll(colours, { timeout: 20_000 }).toBe(first)

    const box = (await canvas.boundingBox())!
    await page.mouse.move(box.x + 200, box.y + 200)
    await page.mouse.down()
    await page.mouse.move(box.x + 300, box.y + 220, { steps: 3 })
    await page.mouse.up()
    await settle()
    const turned = await change(first)
    await page.mouse.wheel(0, -300)
    await change(turned)
    await settle()

    const quiet = await draws()
    await page.evaluate(() => new Promise(resolve => setTimeout(resolve, 400)))
    expect(await draws()).toBe(quiet)
  })

  it('turns by itself while it is in sight, and not beyond', async () => {
    await visit()
    await open({ name: 'model.glb', body: glb() })
    await shown()
    await page.getByRole('button', { name: en.turn }).click()
    const before = await draws()
    await expect.poll(draws, { timeout: 10_000 }).toBeGreaterThan(before + 6)
    await page.evaluate(() => { document.body.style.paddingTop = '300vh' })
    await settle()
  })

  it('saves a picture of what is seen', async () => {
    await visit()
    await open({ name: 'model.glb', body: glb() })
    await shown()
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: en.screenshot }).click()])
    expect(download.suggestedFilename()).toBe('model-textured.png')
  })

  it('gives everything back, fifty times', async () => {
    await visit(browser, { viewport: { width: 360, height: 500 } })
    const devtools = await page.context().newCDPSession(page)
    const heap = async () => {
      await devtools.send('HeapProfiler.collectGarbage')
      return (await devtools.send('Runtime.getHeapUsage')).usedSize
    }
    let before = Infinity
    for (let i = 0; i < 50; i++) {
      await open(i % 2 ? { name: 'model.glb', body: glb() } : { name: 'output3d.zip', body: objZip() })
      await shown()
      await close()
      // three.js keeps a handful of one-pixel textures to its contexts, and they go with these.
      await expect.poll(() => stage().evaluate(() => ({ contexts: watched.contexts(), ...watched.alive })), { timeout: 10_000 })
        .toMatchObject({ contexts: 0, Buffer: 0, Program: 0, VertexArray: 0 })
      if (i === 9) before = await heap() // what is made once has been made by then
    }
    expect(await heap() - before).toBeLessThan(2e6)
  })

  it.each([
    ['page', 'model.glb', strToU8('<!doctype html><title>502</title>')],
    ['format', 'model.glb', strToU8('solid cube\n facet')],
    ['truncated', 'model.glb', glb().slice(0, 300)],
    ['damaged', 'model.glb', glb(gltf => ({ ...gltf, accessors: [] }))],
    ['too_large', 'model.glb', glb(undefined, hugePng(60000, 60000))],
    ['too_large', 'output3d.zip', zipSync({ 'model.obj': new Uint8Array(8e6) }, { level: 9 })],
    ['unsafe', 'output3d.zip', objZip({ extra: { '../model.obj': strToU8('') } })],
    ['incomplete', 'output3d.zip', zipSync({ 'a.txt': strToU8('a') })],
  ] as const)('says %s of a bad %s, and shows a good one after it', async (failure, name, body) => {
    await visit()
    await open({ name, body })
    await page.getByRole('alert').getByText(en.failures[failure]).waitFor()
    bench.put({ name, body: name === 'model.glb' ? glb() : objZip() })
    await close()
    await page.evaluate(id => window.bench.open(id), TASK)
    await shown()
  })

  it('goes on after the browser took the graphics away', async () => {
    await visit()
    await open({ name: 'model.glb', body: glb() })
    await shown()
    await stage().evaluate(() => watched.lose())
    await page.getByText(en.lost).waitFor()
    await stage().evaluate(() => watched.restore())
    await shown()
  })

  it('shows a picture where there is no WebGL', async () => {
    const without = await launch('--use-gl=disabled')
    await visit(without)
    await open({ name: 'model.glb', body: glb() }, { name: 'thumbnail.png', body: hugePng(1, 1) })
    await page.getByText(en.flat).waitFor()
    await without.close()
  })
})
