import lighthouse from 'lighthouse'

const CATEGORIES = { performance: 'performance', accessibility: 'accessibility', practices: 'best-practices' }

/** One run, as a middling phone on a slow line (Lighthouse's default). `port`: of a browser's DevTools. */
export async function lighthouseOf(url, port) {
  const { lhr } = await run(url, port)
  const scores = Object.fromEntries(Object.entries(CATEGORIES).map(([name, id]) => [name, Math.round(lhr.categories[id].score * 100)]))
  const flawed = ['accessibility', 'best-practices'].flatMap(id => lhr.categories[id].auditRefs.map(({ id }) => lhr.audits[id])
    .filter(({ score }) => score !== null && score < 1))
  return {
    ...scores,
    lcp: lhr.audits['largest-contentful-paint'].numericValue,
    tbt: lhr.audits['total-blocking-time'].numericValue,
    cls: lhr.audits['cumulative-layout-shift'].numericValue,
    flaws: flawed.map(({ id }) => id),
    lhr,
  }
}

/** On a busy machine the trace may begin too late for the navigation to be in it (NO_NAVSTART): that run says nothing of the page. */
async function run(url, port, tries = 3) {
  const result = await lighthouse(url, { port, logLevel: 'silent', onlyCategories: Object.values(CATEGORIES) })
  const flaw = result.lhr.runtimeError
  if (!flaw) return result
  if (flaw.code !== 'NO_NAVSTART' || tries === 1) throw new Error(`Lighthouse: ${flaw.message}`)
  return run(url, port, tries - 1)
}
