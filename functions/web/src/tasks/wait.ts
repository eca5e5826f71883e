import type { TaskState } from '@/events/fold'

/**
 * What a task waits for before anything is computed: `busy`, no worker has taken it; `again`, its worker was lost; `queue`, its worker has
 * others to do first.
 */
export type Wait = 'busy' | 'again' | 'queue'

export function waitOf({ status, stage, moves }: Pick<TaskState, 'status' | 'stage' | 'moves'>): Wait | null {
  if (status === 'PROCESSING') return stage === 'queued' ? 'queue' : null
  if (status !== 'PENDING') return null
  // The attempt alone does not tell: tries that no worker answered raise it too.
  return moves.some(move => move.status === 'PROCESSING') ? 'again' : 'busy'
}
