/** What Chromium's tracing has to record for `mainTasks`. */
const CATEGORIES = ['devtools.timeline', 'disabled-by-default-lighthouse', 'disabled-by-default-devtools.timeline', 'toplevel', 'v8.execute', 'v8']

/** Runs `act` and answers the main thread's tasks meanwhile, in milliseconds: longest first. */
export async function mainTasks(browser, page, act, { profile = false } = {}) {
  await browser.startTracing(page, { categories: [...CATEGORIES, ...(profile ? ['disabled-by-default-v8.cpu_profiler'] : [])] })
  try {
    await act()
  } finally {
    var buffer = await browser.stopTracing()
  }
  return { buffer, tasks: tasksOf(JSON.parse(buffer.toString('utf8')).traceEvents) }
}

function tasksOf(events) {
  // The page's own renderer: a blank one lives beside it for a while, and does nothing.
  const mains = events.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
  const work = main => events.filter(({ name, ph, pid, tid }) => name === 'RunTask' && ph === 'X' && pid === main.pid && tid === main.tid)
  const [tasks] = mains.map(work).sort((a, b) => total(b) - total(a))
  return tasks.map(({ ts, dur, tdur, pid, tid }) => ({ ts, ms: dur / 1000, cpu: (tdur ?? 0) / 1000, pid, tid })).sort((a, b) => b.ms - a.ms)
}

const total = tasks => tasks.reduce((sum, { dur }) => sum + dur, 0)
