import { isAbort, Problem } from '@/api/problem'
import type { TaskResult } from '@/api/schema'
import { ModelError } from './failure'

/** What the tasks store has for us: where a result is at this moment. */
export interface Results {
  freshResult(taskId: string, name: string): Promise<TaskResult | undefined>
  refresh(taskId: string): Promise<unknown>
}

export interface Fetching {
  signal?: AbortSignal
  /** 0 to 1, of the bytes. */
  onShare?(share: number): void
}

/** More than any engine makes, and more than a tab should hold twice. */
const MOST = 256e6
/** How long nothing may come before the line counts as dead. */
const STALLED = 30_000

/** A result's bytes, all of them. Throws a Problem, a ModelError, or the abort of `signal`. */
export async function fetchResult(
  results: Results, taskId: string, name: string, { signal, onShare }: Fetching = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const result = await locate(results, taskId, name)
  if (result.size > MOST) throw new ModelError('too_large', `${result.size} bytes`)
  const stall = new AbortController()
  let timer = 0
  const awake = () => {
    clearTimeout(timer)
    timer = window.setTimeout(() => stall.abort(), STALLED)
  }
  awake()
  try {
    const options = { signal: AbortSignal.any([stall.signal, ...signal ? [signal] : []]) }
    let response = await fetch(result.url, options)
    if (response.status === 403) {
      // The URL has run out, by the storage's clock if not by ours.
      await results.refresh(taskId)
      response = await fetch((await locate(results, taskId, name)).url, options)
    }
    if (response.status === 404) throw new ModelError('gone', name)
    if (!response.ok) throw new ModelError('refused', `${response.status}`)
    return await collect(response, result.size, awake, onShare)
  } catch (thrown) {
    if (signal?.aborted) throw signal.reason
    if (thrown instanceof ModelError || thrown instanceof Problem) throw thrown
    throw new Problem('unreachable', { cause: isAbort(thrown) ? new Error('stalled') : thrown })
  } finally {
    clearTimeout(timer)
  }
}

async function locate(results: Results, taskId: string, name: string): Promise<TaskResult> {
  const result = await results.freshResult(taskId, name)
  if (!result) throw new ModelError('gone', name)
  return result
}

/** Into one array of the stated size: what comes beyond it is not the file. */
async function collect(
  response: Response, size: number, awake: () => void, onShare?: (share: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  if (/^text\/html\b/i.test(response.headers.get('Content-Type') ?? '')) throw new ModelError('page')
  const bytes = new Uint8Array(size)
  let come = 0
  for (const reader = response.body!.getReader(); ;) {
    const { done, value } = await reader.read()
    if (done) break
    awake()
    if (come + value.length > size) {
      await reader.cancel()
      throw new ModelError('damaged', 'longer than stated')
    }
    bytes.set(value, come)
    come += value.length
    // Not `onShare?.(…)`: the minifier moves the sum into the call that may not be made.
    if (onShare) onShare(come / size)
  }
  if (come < size) throw new ModelError('truncated', `${come} of ${size} bytes`)
  return bytes
}
