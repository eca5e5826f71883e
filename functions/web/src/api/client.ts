import { auth } from '@/auth'
import { Problem, problemOf } from './problem'

export interface Call {
  method?: 'GET' | 'POST' | 'DELETE'
  /** Sent as JSON. */
  body?: unknown
  query?: Record<string, string | number | undefined>
  headers?: Record<string, string>
  signal?: AbortSignal
  /** Lets the request outlive the page. */
  keepalive?: boolean
}

/** Longer than any function runs for a plain call; without it a dead connection would hang for minutes. */
const PATIENCE = 30_000

/**
 * One call of the API. Answers the parsed body, undefined where there is none (204).
 * Throws a Problem, or an AbortError when `signal` fires.
 */
export async function call<T>(path: string, options: Call = {}): Promise<T> {
  const token = await auth().token()
  let response = await send(path, options, token)
  if (response.status === 401 && token) {
    // The token may just have run out: one more try with a fresh one.
    const fresh = await auth().token(token)
    if (fresh && fresh !== token) response = await send(path, options, fresh)
  }
  return read<T>(response, options.signal)
}

async function send(path: string, { method = 'GET', body, query = {}, headers = {}, signal, keepalive }: Call, token: string | null) {
  const url = resolve(path)
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value))
  }
  try {
    return await fetch(url, {
      method,
      headers: {
        Accept: 'application/json',
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...(token && { Authorization: `Bearer ${token}` }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.any([AbortSignal.timeout(PATIENCE), ...(signal ? [signal] : [])]),
      keepalive,
    })
  } catch (cause) {
    throw unanswered(cause, signal)
  }
}

async function read<T>(response: Response, signal?: AbortSignal): Promise<T> {
  const text = await response.text().catch((cause) => { throw unanswered(cause, signal) })
  if (!response.ok) throw problemOf({ status: response.status, header: name => response.headers.get(name), text })
  if (response.status === 204) return undefined as T
  return parsed<T>(text, response.status)
}

/** The caller's own abort stays one; a time-out or a cut line is a Problem. */
function unanswered(cause: unknown, signal?: AbortSignal): unknown {
  return signal?.aborted ? signal.reason : new Problem('unreachable', { cause })
}

/** The body of an answer that should be JSON. */
export function parsed<T>(text: string, status: number): T {
  try {
    return JSON.parse(text) as T
  } catch (cause) {
    throw new Problem('not_json', { status, cause })
  }
}

/** References in answers (`sseUrl`) and paths alike are resolved against the API's origin: the page's own. */
export function resolve(reference: string): URL {
  return new URL(reference, location.origin)
}
