import { tasks } from './api.js'
import { goTo, shown, visit } from './browser.js'
import { mainTasks } from './trace.js'
import { lighthouseOf } from './lighthouse.js'

/** What a view asks of the network, in kB as they go over the line. The caches are empty, and stay for the rows that say `more`. */
export async function transfers({ browser, site }) {
  const rows = []
  const measure = async (what, budget, act, page) => {
    const devtools = await page.context().newCDPSession(page)
    const kinds = new Map()
    const bytes = { script: 0, all: 0 }
    devtools.on('Network.requestWillBeSent', ({ requestId, request }) => kinds.set(requestId, request.url))
    devtools.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      const url = kinds.get(requestId) ?? ''
      if (/\/(?:files|api|picture)\//.test(url)) return
      bytes.all += encodedDataLength
      if (url.endsWith('.js')) bytes.script += encodedDataLength
    })
    await devtools.send('Network.enable')
    await act(page)
    await page.waitForLoadState('networkidle')
    await devtools.detach()
    rows.push(['transfer', what, `${kB(bytes.script)} script`, budget && `≤ ${budget} kB`, budget && bytes.script / 1000 <= budget, `${kB(bytes.all)} with styles, pictures and the page itself`])
  }
  for (const [what, path] of [['/', '/'], ['/app/tasks', '/app/tasks'], ['a running task', `/app/tasks/${tasks.live}`]]) {
    const context = await browser.newContext({ locale: 'en-US' })
    const page = await context.newPage()
    await measure(what, 150, async () => {
      await page.goto(site.url + path)
      await page.locator('#content h1').first().waitFor()
      if (path.endsWith(tasks.live)) await page.getByRole('progressbar').first().waitFor()
      site.api.silence()
    }, page)
    await context.close()
  }
  return rows
}

/** What the viewer adds to a page: a worker's requests are not the page's in DevTools, so that the files are added up as they are served. */
export async function viewer({ browser, site }) {
  const page = await visit(browser, `${site.url}/app/tasks`)
  await page.waitForLoadState('networkidle')
  const before = new Set(site.served.keys())
  await goTo(page, `/app/tasks/${tasks.zip}`)
  await shown(page)
  const more = [...site.served].filter(([path]) => !before.has(path) && path.endsWith('.js') && !path.includes('ReconstructionView'))
  await page.context().close()
  const bytes = more.reduce((sum, [, size]) => sum + size, 0)
  return [['transfer', 'the viewer, more', `${kB(bytes)} script`, '≤ 250 kB', bytes <= 250e3, `${more.length} scripts, on demand`]]
}

/** The main thread while a model opens: from the list by a click to the model on the screen, and a second and a half more. */
export async function opening({ browser, site, say, runs }) {
  const rows = []
  for (const kind of ['glb', 'zip']) {
    const longest = []
    for (let i = 0; i < runs; i++) {
      say(`opening a ${kind}, ${i + 1} of ${runs}`)
      const page = await visit(browser, `${site.url}/app/tasks`)
      await page.waitForLoadState('networkidle')
      const { tasks: found } = await mainTasks(browser, page, async () => {
        await goTo(page, `/app/tasks/${tasks[kind]}`)
        await shown(page)
        await page.waitForTimeout(1500)
      })
      longest.push(found)
      await page.context().close()
    }
    rows.push(taskRow(`opening a ${kind === 'glb' ? 'GLB' : 'zip with OBJ'} of ${site.faces.toLocaleString('en')} triangles`, longest))
  }
  return rows
}

/** The main thread while 20 events a second arrive for 20 s on a task's page: moves, progress, results, and the model with them. */
export async function events({ browser, site, say }) {
  say('20 events a second, for 20 s')
  const page = await visit(browser, `${site.url}/app/tasks`)
  await page.waitForLoadState('networkidle')
  const { tasks: found } = await mainTasks(browser, page, async () => {
    await goTo(page, `/app/tasks/${tasks.live}`)
    await page.evaluate(() => {
      window.gaps = []
      let before = performance.now()
      requestAnimationFrame(function tick(now) {
        window.gaps.push(now - before)
        before = now
        requestAnimationFrame(tick)
      })
    })
    await page.waitForTimeout(20_000)
  })
  const gaps = (await page.evaluate(() => window.gaps)).sort((a, b) => a - b)
  const entries = await page.locator('.timeline > li').count()
  site.api.silence()
  await page.context().close()
  const late = gaps.filter(gap => gap > 50).length
  return [
    taskRow(`20 events/s for 20 s, ${entries} entries in the time line`, [found]),
    ['main thread', 'the same: frames', `${(gaps.length / 20).toFixed(0)} a second`, '', undefined, `median ${ms(gaps[gaps.length >> 1])} apart; ${late} of ${gaps.length} more than 50 ms, with the software renderer on the same cores`],
  ]
}

/** Fifty models, one after the other, in a page that stays. */
export async function memory({ browser, site, say, models = 50 }) {
  site.counting = true
  const page = await visit(browser, `${site.url}/app/tasks`)
  const devtools = await page.context().newCDPSession(page)
  const heap = async () => {
    await devtools.send('HeapProfiler.collectGarbage')
    return (await devtools.send('Runtime.getHeapUsage')).usedSize
  }
  const stage = () => page.workers().find(worker => worker.url().includes('stage.worker'))
  const count = () => stage().evaluate(() => self.watched())
  const settled = []
  for (let i = 0; i < models; i++) {
    say(`model ${i + 1} of ${models}`)
    await goTo(page, `/app/tasks/${i % 2 ? tasks.zip : tasks.glb}`)
    await shown(page)
    await goTo(page, '/app/tasks')
    await page.locator('[data-phase]').waitFor({ state: 'detached' })
    await stage().evaluate(() => new Promise((resolve) => {
      const until = performance.now() + 5000 // what is not freed by then is not freed
      const look = () => self.watched().Buffer === 0 || performance.now() > until ? resolve() : setTimeout(look, 20)
      look()
    }))
    if (i === 9 || i === models - 1) settled.push({ heap: await heap(), ...await count() })
  }
  const [before, after] = settled
  await page.context().close()
  site.counting = false
  const grown = after.heap - before.heap
  const { Buffer, Texture, Program, VertexArray } = after
  return [
    ['memory', `page's heap from the 10th to the ${models}th model`, `${grown < 0 ? '−' : '+'}${(Math.abs(grown) / 1e6).toFixed(2)} MB`, '≤ 2 MB', grown <= 2e6, `${(after.heap / 1e6).toFixed(1)} MB at the end`],
    ['memory', `GPU objects after ${models} models`, `${Buffer + Texture + Program + VertexArray}`, '0', Buffer + Texture + Program + VertexArray === 0, `${Buffer} buffers, ${Texture} textures, ${Program} programs, ${VertexArray} vertex arrays in contexts that still live`],
  ]
}

export async function lighthouse({ site, say, port, runs }) {
  const rows = []
  for (const [what, path] of [['/', '/'], ['/app/tasks', '/app/tasks'], ['a completed task', `/app/tasks/${tasks.done}`]]) {
    const all = []
    for (let i = 0; i < runs; i++) {
      say(`Lighthouse on ${what}, ${i + 1} of ${runs}`)
      all.push(await lighthouseOf(site.url + path, port))
    }
    const [median] = all.sort((a, b) => a.performance - b.performance).slice(all.length >> 1)
    const { performance, accessibility, practices, lcp, tbt, cls, flaws } = median
    const good = performance >= 95 && accessibility >= 95 && practices >= 95
    rows.push(['Lighthouse', what, `${performance} / ${accessibility} / ${practices}`, '≥ 95 each', good,
      `performances ${all.map(run => run.performance).join(', ')}; LCP ${(lcp / 1000).toFixed(1)} s, TBT ${ms(tbt)}, CLS ${cls.toFixed(3)}${flaws.length ? `; ${flaws.join(', ')}` : ''}`])
  }
  return rows
}

/** The median run's longest task. */
function taskRow(what, runs) {
  const [median] = runs.sort((a, b) => a[0].ms - b[0].ms).slice(runs.length >> 1)
  const busy = Math.max(...median.map(({ cpu }) => cpu))
  const blocking = median.reduce((sum, task) => sum + Math.max(0, task.ms - 50), 0)
  const over = median.filter(task => task.ms > 50).length
  return ['main thread', what, `${ms(median[0].ms)} longest task`, '≤ 50 ms', median[0].ms <= 50,
    `${ms(busy)} most on the processor; ${over} over 50 ms, ${ms(blocking)} beyond it together; longest of each run ${runs.map(run => run[0].ms.toFixed(0)).join(', ')}`]
}

const kB = bytes => `${(bytes / 1000).toFixed(1)} kB`
const ms = value => `${value.toFixed(0)} ms`
