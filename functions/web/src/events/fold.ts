import type { ProgressEvent, ResultEvent, StatusEvent, Task, TaskError, TaskResult, TaskStatus } from '@/api/schema'
import { final, type TaskEvent } from './event'

/**
 * What is known of a task, folded from its status documents and its events, in whatever order and however often they come.
 * Never changed in place: a fold answers the same object where nothing has changed.
 */
export interface TaskState {
  taskId: string
  status: TaskStatus
  /** 0 before the first hand-over to a worker. */
  attempt: number
  /** 0 to 100. */
  progress: number
  /** What the worker is at, in its own words; may be empty. */
  stage: string
  queuePosition?: number
  etaSeconds?: number
  /** Those of the present attempt, in the order in which they came. */
  results: TaskResult[]
  error: TaskError | null
  /** Moves as events told of them, oldest first. */
  moves: Move[]

  /** The status document's own; missing until one has been read. */
  imageId?: string
  originalImageUrl?: string | null
  createdAt?: string
  startedAt?: string
  finishedAt?: string
  sseUrl?: string

  /** The time of the newest thing that is known. */
  updatedAt: string
  /** Where the stream goes on: every durable event up to this one has been folded. */
  lastEventId: number
  /** Events beyond a hole, whose numbers are waiting for it to be filled. */
  ahead: number[]
  /** What `status` rests upon: an event's number, null for a status document, and when it was. */
  basis: { id: number | null, at: string }
}

export interface Move { id: number, status: TaskStatus, attempt: number, at: string }

export function newTask(taskId: string): TaskState {
  return {
    taskId, status: 'PENDING', attempt: 0, progress: 0, stage: '', results: [], error: null, moves: [],
    updatedAt: '', lastEventId: 0, ahead: [], basis: { id: null, at: '' },
  }
}

/** Whether an event was lost on the way: the status document has to be asked. */
export function hasGap(state: TaskState): boolean {
  return state.ahead.length > 0
}

export function isFinal(state: Pick<TaskState, 'status'>): boolean {
  return final[state.status]
}

export function foldEvent(state: TaskState, event: TaskEvent): TaskState {
  if (event.data.taskId !== state.taskId) return state
  if (event.kind === 'progress') return foldProgress(state, event.data)
  if (event.id <= state.lastEventId || state.ahead.includes(event.id)) {
    // Seen before. Only the presigned URL of a replayed result may be a fresher one.
    return event.kind === 'result' ? refreshUrl(state, event.data) : state
  }
  const counted = count(state, event.id)
  return event.kind === 'status' ? foldStatus(counted, event.id, event.data) : foldResult(counted, event.data)
}

function count(state: TaskState, id: number): TaskState {
  const waiting = new Set([...state.ahead, id])
  let lastEventId = state.lastEventId
  while (waiting.delete(lastEventId + 1)) lastEventId++
  return { ...state, lastEventId, ahead: [...waiting].sort((a, b) => a - b) }
}

function foldStatus(state: TaskState, id: number, event: StatusEvent): TaskState {
  const moves = [...state.moves, { id, status: event.status, attempt: event.attempt, at: event.at }].sort((a, b) => a.id - b.id)
  if (!supersedes(state, id, event)) return { ...state, moves }
  return {
    ...moveTo(state, event.status, event.attempt),
    moves,
    error: event.error ?? null,
    updatedAt: later(state.updatedAt, event.at),
    basis: { id, at: event.at },
    ...(event.status === 'PROCESSING' && { startedAt: state.startedAt ?? event.at }),
    ...(final[event.status] && { finishedAt: event.at }),
  }
}

/** Events are ordered by number; against a status document, which has none, by attempt and time. Nothing moves a final state. */
function supersedes(state: TaskState, id: number, event: StatusEvent): boolean {
  if (state.basis.id !== null) return id > state.basis.id
  if (isFinal(state)) return false
  return final[event.status] || event.attempt > state.attempt || event.at > state.basis.at
}

/** A higher attempt begins anew: what the lower one made, and how far it was, is gone. */
function moveTo(state: TaskState, status: TaskStatus, attempt: number): TaskState {
  const risen = attempt > state.attempt
  return {
    ...state,
    status,
    attempt: Math.max(attempt, state.attempt),
    ...(risen && { progress: 0, stage: '', results: [], queuePosition: undefined, etaSeconds: undefined }),
    ...(status === 'COMPLETED' && { progress: 100 }),
    ...(final[status] && { queuePosition: undefined, etaSeconds: undefined }),
  }
}

function foldResult(state: TaskState, event: ResultEvent): TaskState {
  if (event.attempt < state.attempt || event.url === null) return state
  // A result may be the first sign of an attempt whose PROCESSING was lost on the way.
  const base = event.attempt > state.attempt ? moveTo(state, state.status, event.attempt) : state
  const { name, url, size, sha256, contentType, at: createdAt } = event
  return {
    ...base,
    results: [...base.results.filter(result => result.name !== name), { name, url, size, sha256, contentType, createdAt }],
    updatedAt: later(state.updatedAt, event.at),
  }
}

function refreshUrl(state: TaskState, { attempt, name, url }: ResultEvent): TaskState {
  const held = state.results.find(result => result.name === name)
  if (attempt !== state.attempt || url === null || !held || held.url === url) return state
  return { ...state, results: state.results.map(result => result === held ? { ...held, url } : result) }
}

/** Progress says no attempt: one from before the last move belongs to what is over. */
function foldProgress(state: TaskState, { progress, stage, queuePosition, etaSeconds, at }: ProgressEvent): TaskState {
  if (isFinal(state) || at < state.updatedAt) return state
  return { ...state, progress, stage, queuePosition, etaSeconds, updatedAt: at }
}

/** Takes a status document in. An older one than what is known brings only its URLs and ticket. */
export function foldTask(state: TaskState, task: Task): TaskState {
  if (task.taskId !== state.taskId) return state
  const { imageId, originalImageUrl, createdAt, sseUrl } = task
  const known = { ...state, imageId, originalImageUrl, createdAt, sseUrl }
  if (!outdates(state, task)) {
    const fresh = new Map(task.attempt === state.attempt ? task.results.map(result => [result.name, result]) : [])
    return { ...known, results: state.results.map(result => fresh.get(result.name) ?? result) }
  }
  const same = task.status === state.status && task.attempt === state.attempt
  return {
    ...known,
    status: task.status,
    attempt: task.attempt,
    progress: task.progress,
    stage: task.stage,
    queuePosition: task.queuePosition,
    etaSeconds: task.etaSeconds,
    results: task.results,
    error: task.error,
    startedAt: task.startedAt,
    finishedAt: task.finishedAt,
    updatedAt: later(state.updatedAt, task.updatedAt),
    // Newer than all events that came, it also holds what the lost ones told of.
    ...(hasGap(state) && task.updatedAt >= state.updatedAt && { lastEventId: Math.max(...state.ahead), ahead: [] }),
    basis: same ? state.basis : { id: null, at: task.updatedAt },
  }
}

function outdates(state: TaskState, task: Task): boolean {
  if (isFinal(state)) return final[task.status]
  return final[task.status] || task.attempt > state.attempt || (task.attempt === state.attempt && task.updatedAt >= state.updatedAt)
}

/** Times are RFC 3339 in UTC with milliseconds, all of one clock: they sort as text. */
function later(a: string, b: string): string {
  return a > b ? a : b
}
