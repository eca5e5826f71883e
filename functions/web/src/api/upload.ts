import { auth } from '@/auth'
import { parsed, resolve } from './client'
import { Problem, problemOf, type Answer } from './problem'

export interface Transfer {
  signal?: AbortSignal
  /** 0 to 1, of the bytes sent. */
  onProgress?(share: number): void
}

/** Posts a form to the API. XMLHttpRequest, for fetch tells nothing of a request's progress. */
export async function upload<T>(path: string, form: FormData, transfer: Transfer): Promise<T> {
  const token = await auth().token()
  const headers: Record<string, string> = { Accept: 'application/json', ...(token && { Authorization: `Bearer ${token}` }) }
  const answer = await transmit('POST', resolve(path), headers, form, transfer)
  if (answer.status >= 400) throw problemOf(answer)
  return parsed<T>(answer.text, answer.status)
}

/** Headers that no script may set: the browser sends them by itself, of the same values, for they are what was announced. */
const browsersOwn = new Set(['content-length', 'host'])

/** Puts a file to a presigned URL, with exactly the headers that were signed. */
export async function put(url: string, headers: Record<string, string>, file: Blob, transfer: Transfer): Promise<void> {
  const ours = Object.fromEntries(Object.entries(headers).filter(([name]) => !browsersOwn.has(name.toLowerCase())))
  const { status, text } = await transmit('PUT', new URL(url), ours, file, transfer)
  if (status < 200 || status >= 300) throw new Problem('storage_refused', { status, detail: text.slice(0, 200) })
}

/** How long an upload may stand still before it is given up. */
const STALLED = 60_000

function transmit(
  method: string, url: URL, headers: Record<string, string>, body: FormData | Blob, { signal, onProgress }: Transfer,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const request = new XMLHttpRequest()
    let stalled = 0
    const awake = () => {
      clearTimeout(stalled)
      stalled = window.setTimeout(() => { reject(new Problem('unreachable', { detail: 'The upload stands still.' })); request.abort() }, STALLED)
    }
    const abort = () => request.abort()

    request.open(method, url)
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
    request.upload.onprogress = (event) => {
      awake()
      if (event.lengthComputable) onProgress?.(event.loaded / event.total)
    }
    request.upload.onload = () => onProgress?.(1)
    request.onload = () => resolve({ status: request.status, header: name => request.getResponseHeader(name), text: request.responseText })
    request.onerror = () => reject(new Problem('unreachable'))
    request.onabort = () => reject(signal?.reason ?? new DOMException('aborted', 'AbortError'))
    request.onloadend = () => {
      clearTimeout(stalled)
      signal?.removeEventListener('abort', abort)
    }
    signal?.addEventListener('abort', abort, { once: true })
    awake()
    request.send(body)
  })
}
