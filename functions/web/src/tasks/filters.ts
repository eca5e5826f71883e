import type { TaskStatus } from '@/api/schema'
import type { TaskState } from '@/events/fold'

export const filters = ['all', 'running', 'done', 'failed', 'cancelled'] as const
export type Filter = typeof filters[number]

/** Where a status is found beside under `all`. A record, so that a new status does not compile until it is somewhere. */
const place: Record<TaskStatus, Filter> = {
  PENDING: 'running',
  PROCESSING: 'running',
  COMPLETED: 'done',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
}

/** From the address (`?show=failed`), which anybody can write. */
export function filterOf(value: unknown): Filter {
  return filters.find(known => known === value) ?? 'all'
}

export function filtered<T extends Pick<TaskState, 'status'>>(tasks: T[], filter: Filter): T[] {
  return filter === 'all' ? tasks : tasks.filter(task => place[task.status] === filter)
}

export function counts(tasks: Pick<TaskState, 'status'>[]): Record<Filter, number> {
  const found: Record<Filter, number> = { all: tasks.length, running: 0, done: 0, failed: 0, cancelled: 0 }
  for (const { status } of tasks) found[place[status]]++
  return found
}
