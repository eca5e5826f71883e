import type { ProgressEvent, ResultEvent, StatusEvent, TaskStatus } from '@/api/schema'

/** One event of a task's stream. Durable ones are numbered 1, 2, 3 … without holes; progress carries no number. */
export type TaskEvent =
  | { kind: 'status', id: number, data: StatusEvent }
  | { kind: 'result', id: number, data: ResultEvent }
  | { kind: 'progress', data: ProgressEvent }

export const kinds = ['status', 'result', 'progress'] as const satisfies TaskEvent['kind'][]

/** Whether a status is the last that a task has. A record, so that a new status does not compile until it is here. */
export const final: Record<TaskStatus, boolean> = {
  PENDING: false,
  PROCESSING: false,
  COMPLETED: true,
  FAILED: true,
  CANCELLED: true,
}

/** Reads an event as EventSource delivers it; null for a kind or a form that this version does not know. */
export function parseEvent(kind: string, data: string, lastEventId: string): TaskEvent | null {
  const value = parse(data)
  const id = /^[1-9]\d*$/.test(lastEventId) ? Number(lastEventId) : 0
  if (!isRecord(value) || typeof value.taskId !== 'string' || typeof value.at !== 'string') return null
  switch (kind) {
    case 'status':
      return id && isStatus(value.status) && isNumber(value.attempt) ? { kind, id, data: value as unknown as StatusEvent } : null
    case 'result':
      return id && typeof value.name === 'string' && isNumber(value.attempt) ? { kind, id, data: value as unknown as ResultEvent } : null
    case 'progress':
      return isNumber(value.progress) ? { kind, data: value as unknown as ProgressEvent } : null
    default:
      return null
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)
const isStatus = (value: unknown): value is TaskStatus => typeof value === 'string' && Object.hasOwn(final, value)
