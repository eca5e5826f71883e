import type { FieldError, Problem as Document, ProblemCode as ServerCode } from './schema'

/** What goes wrong on this side of the wire, where no problem document can come from. */
export type LocalCode =
  | 'unreachable' // no answer: no network, or the API is away
  | 'not_json' // an answer that is not the API's: a proxy's page, say
  | 'storage_refused' // the object storage took no upload, or gave no file

export type ProblemCode = ServerCode | LocalCode

/** The codes as values: a record, so that a new code in openapi.yaml does not compile until it is here. */
const codes: Record<ProblemCode, true> = {
  bad_request: true,
  unauthorized: true,
  signature_invalid: true,
  not_found: true,
  picture_not_found: true,
  task_not_found: true,
  method_not_allowed: true,
  task_finished: true,
  attempt_superseded: true,
  results_missing: true,
  result_conflict: true,
  idempotency_in_progress: true,
  payload_too_large: true,
  unsupported_media_type: true,
  image_invalid: true,
  image_too_large: true,
  idempotency_conflict: true,
  object_mismatch: true,
  validation_failed: true,
  rate_limited: true,
  too_many_active_tasks: true,
  internal: true,
  unavailable: true,
  unreachable: true,
  not_json: true,
  storage_refused: true,
}

interface Particulars {
  status?: number
  detail?: string
  errors?: FieldError[]
  retryAfter?: number
  requestId?: string
  cause?: unknown
}

/** Why a call has failed, in a form to branch on (`code`) and to put into words (i18n `problems.{code}`). */
export class Problem extends Error {
  override name = 'Problem'
  /** The HTTP status, 0 where there was no answer. */
  readonly status: number
  /** The server's words, in English; ours are looked up by code. */
  readonly detail: string
  /** Of `validation_failed`. */
  readonly errors: FieldError[]
  /** Seconds to wait, as the server asks. */
  readonly retryAfter?: number
  /** What to tell the operator. */
  readonly requestId?: string
  /** When it was met, in milliseconds: `retryAfter` counts from here. */
  readonly at = Date.now()

  constructor(readonly code: ProblemCode, { status = 0, detail = '', errors = [], retryAfter, requestId, cause }: Particulars = {}) {
    super(`${code}${detail && `: ${detail}`}`, { cause })
    this.status = status
    this.detail = detail
    this.errors = errors
    this.retryAfter = retryAfter
    this.requestId = requestId
  }

  /** Whether the same call may well succeed a little later. */
  get transient(): boolean {
    return ['unreachable', 'unavailable', 'rate_limited', 'idempotency_in_progress', 'internal'].includes(this.code)
  }
}

/** An answer, as fetch and XMLHttpRequest both have it. */
export interface Answer {
  status: number
  header(name: string): string | null
  text: string
}

/** The problem that an answer of 400 and above tells of; where it is no problem document, as its status alone says. */
export function problemOf({ status, header, text }: Answer): Problem {
  const particulars = {
    status,
    retryAfter: seconds(header('Retry-After')),
    requestId: header('X-Request-Id') ?? undefined,
  }
  const said = documentIn(text)
  if (!said) return new Problem(codeOf(status), particulars)
  return new Problem(Object.hasOwn(codes, said.code) ? said.code : codeOf(status), {
    ...particulars,
    detail: said.detail,
    errors: Array.isArray(said.errors) ? said.errors : [],
    requestId: said.requestId ?? particulars.requestId,
  })
}

/** Anything thrown, as a Problem. What is no Problem is a fault of this program: it is kept as the cause. */
export function asProblem(thrown: unknown): Problem {
  return thrown instanceof Problem ? thrown : new Problem('internal', { detail: String(thrown), cause: thrown })
}

/** Whether it was the caller who gave up: nothing to tell anybody. */
export function isAbort(thrown: unknown): boolean {
  return typeof thrown === 'object' && thrown !== null && 'name' in thrown && thrown.name === 'AbortError'
}

function documentIn(text: string): Document | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && 'code' in value && typeof value.code === 'string' ? value as Document : undefined
  } catch {
    return undefined // a proxy's page: the status has to do
  }
}

/** Proxies answer some errors themselves, before the API sees the request. */
function codeOf(status: number): ProblemCode {
  switch (status) {
    case 400: return 'bad_request'
    case 401: return 'unauthorized'
    case 413: return 'payload_too_large'
    case 415: return 'unsupported_media_type'
    case 422: return 'validation_failed'
    case 429: return 'rate_limited'
    case 502: case 503: case 504: return 'unavailable'
    default: return status >= 500 ? 'internal' : 'not_json'
  }
}

/** `Retry-After` in either form, at least 1. */
function seconds(value: string | null): number | undefined {
  if (!value) return undefined
  const stated = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000
  return Number.isFinite(stated) ? Math.max(1, Math.ceil(stated)) : undefined
}
