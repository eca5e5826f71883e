import { call } from './client'
import { retrying } from './retry'
import type { CreatedTask, CreateTask, Task, TaskList } from './schema'

export type Format = NonNullable<CreateTask['formats']>[number]

/** Starts a reconstruction. The key makes it safe to ask again after an answer was lost: it is the same task. */
export function createTask(imageId: string, formats: Format[] = [], signal?: AbortSignal): Promise<CreatedTask> {
  const key = randomKey()
  const body: CreateTask = { imageId, ...(formats.length > 0 && { formats }) }
  return retrying(() => call<CreatedTask>('/api/reconstruction/create-from-image', {
    method: 'POST',
    headers: { 'Idempotency-Key': key },
    body,
    signal,
  }), { signal })
}

/** The task with fresh URLs and a fresh ticket. */
export function getTask(taskId: string, signal?: AbortSignal): Promise<Task> {
  return call<Task>(`/api/reconstruction/status/${taskId}`, { signal })
}

export function listTasks(cursor?: string, limit = 20, signal?: AbortSignal): Promise<TaskList> {
  return call<TaskList>('/api/reconstruction/list', { query: { cursor, limit }, signal })
}

/** Throws `task_finished` where it has ended otherwise. */
export function cancelTask(taskId: string): Promise<Task> {
  return retrying(() => call<Task>(`/api/reconstruction/cancel/${taskId}`, { method: 'POST' }))
}

/** One that still runs is cancelled first. */
export function deleteTask(taskId: string, options: { keepalive?: boolean } = {}): Promise<void> {
  return call<void>(`/api/reconstruction/status/${taskId}`, { method: 'DELETE', ...options })
}

/** crypto.randomUUID is missing on pages without TLS. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('')
}
