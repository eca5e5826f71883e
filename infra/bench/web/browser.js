import { chromium } from 'playwright-core'

/** Debian's chromium, drawing WebGL in software. `port`: where its DevTools listen. */
export function launch(port) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader',
      ...port ? [`--remote-debugging-port=${port}`] : [],
    ],
    handleSIGINT: false, // bench.js ends all that it started
    handleSIGTERM: false,
  })
}

export async function visit(browser, url, init) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en-US', reducedMotion: 'reduce' })
  const page = await context.newPage()
  if (init) await page.addInitScript(init)
  await page.goto(url)
  await page.locator('#content h1').first().waitFor()
  return page
}

/** By the page's own router, as a click on a link goes. */
export function goTo(page, path) {
  return page.evaluate((path) => {
    history.pushState({}, '', path)
    dispatchEvent(new PopStateEvent('popstate', { state: {} }))
  }, path)
}

export const shown = page => page.locator('[data-phase=ready]').waitFor({ timeout: 60_000 })
