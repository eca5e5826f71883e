import { isAbort, Problem } from './problem'

export interface Patience {
  tries?: number
  signal?: AbortSignal
}

/**
 * Does it again while it fails for a reason that may pass. Only for what can be done twice: reads, deletes, and what carries
 * an Idempotency-Key.
 */
export async function retrying<T>(act: () => Promise<T>, { tries = 4, signal }: Patience = {}): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await act()
    } catch (thrown) {
      if (isAbort(thrown) || !(thrown instanceof Problem) || !thrown.transient || failures >= tries) throw thrown
      // A wait that a person would not sit out is told to them instead.
      if ((thrown.retryAfter ?? 0) > 10) throw thrown
      await pause(backoff(failures, thrown.retryAfter), signal)
    }
  }
}

/**
 * Milliseconds before the next try: 0.5 s × 2ⁿ up to 30 s with jitter, so that many pages don't come back as one; never earlier than asked.
 */
export function backoff(failures: number, retryAfter = 0, random = Math.random()): number {
  const ceiling = Math.min(30_000, 500 * 2 ** failures)
  return Math.max(retryAfter * 1000, ceiling / 2 + random * ceiling / 2)
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const timer = setTimeout(() => { signal?.removeEventListener('abort', stop); resolve() }, ms)
    const stop = () => { clearTimeout(timer); reject(signal?.reason) }
    signal?.addEventListener('abort', stop, { once: true })
  })
}
