/** Runs what can wait until the page is drawn and the browser has nothing to do. Gives back how not to. */
export function whenIdle(run: () => void): () => void {
  if (!('requestIdleCallback' in window)) { // Safari
    const timer = setTimeout(run)
    return () => clearTimeout(timer)
  }
  const handle = requestIdleCallback(run, { timeout: 2000 })
  return () => cancelIdleCallback(handle)
}
