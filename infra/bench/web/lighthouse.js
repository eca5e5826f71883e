import lighthouse from 'lighthouse'

const CATEGORIES = { performance: 'performance', accessibility: 'accessibility', practices: 'best-practices' }

/** One run, as a middling phone on a slow line (Lighthouse's default). `port`: of a browser's DevTools. */
export async function lighthouseOf(url, port) {
  const { lhr } = await lighthouse(url, { port, logLevel: 'error', onlyCategories: Object.values(CATEGORIES) })
  if (lhr.runtimeError) throw new Error(`Lighthouse: ${lhr.runtimeError.message}`)
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
