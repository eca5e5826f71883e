import type { TaskStatus } from '@/api/schema'
import type { TaskState } from '@/events/fold'

export type Step =
  | { kind: 'created', at: string }
  /** A worker has taken it. */
  | { kind: 'started', at: string, attempt: number }
  /** A worker gave it back or fell silent; another attempt follows. */
  | { kind: 'lost', at: string, attempt: number }
  /** The attempts before this one were lost; when, nobody has told. */
  | { kind: 'lostEarlier', attempts: number }
  | { kind: 'result', at: string, what: Milestone }
  | { kind: 'ended', at: string, status: Final }

export type Final = Extract<TaskStatus, 'COMPLETED' | 'FAILED' | 'CANCELLED'>
export type Milestone = 'views' | 'coordinates' | 'model' | 'thumbnail'

/** Results that a person waits for, by what they are called. The first that comes counts. */
const milestones: Record<Milestone, string[]> = {
  views: ['pixel_images.png'],
  coordinates: ['xyz_images.png'],
  model: ['model.glb', 'output3d.zip'],
  thumbnail: ['thumbnail.png'],
}

type Told = Pick<TaskState, 'status' | 'attempt' | 'moves' | 'results' | 'createdAt' | 'startedAt' | 'finishedAt'>

/**
 * What has happened to a task, oldest first. Of the moves as events told of them where there were any; a task that had ended when the
 * page was opened has none, and its status document's times have to do.
 */
export function timeline(state: Told): Step[] {
  const moves = state.moves.length > 0 ? fromMoves(state) : fromTimes(state)
  const steps = [...moves, ...fromResults(state)]
  // Sorting is stable: what came at the same moment stays in the order above.
  return steps.sort((a, b) => compare(timeOf(a, moves), timeOf(b, moves)))
}

function fromMoves({ moves, createdAt, status, finishedAt }: Told): Step[] {
  const steps = moves.map((move, i): Step => {
    const { status, at, attempt } = move
    switch (status) {
      case 'PENDING': return i === 0 && attempt === 0 ? { kind: 'created', at: createdAt ?? at } : { kind: 'lost', at, attempt }
      case 'PROCESSING': return { kind: 'started', at, attempt }
      default: return { kind: 'ended', at, status }
    }
  })
  if (steps[0]?.kind !== 'created' && createdAt) steps.unshift({ kind: 'created', at: createdAt })
  // The end may be known by the status document before its event comes, or instead.
  if (isEnd(status) && finishedAt && steps.at(-1)?.kind !== 'ended') steps.push({ kind: 'ended', at: finishedAt, status })
  return steps
}

function fromTimes({ status, attempt, createdAt, startedAt, finishedAt }: Told): Step[] {
  return [
    ...(createdAt ? [{ kind: 'created' as const, at: createdAt }] : []),
    ...(attempt > 1 ? [{ kind: 'lostEarlier' as const, attempts: attempt - 1 }] : []),
    ...(startedAt ? [{ kind: 'started' as const, at: startedAt, attempt }] : []),
    ...(isEnd(status) && finishedAt ? [{ kind: 'ended' as const, at: finishedAt, status }] : []),
  ]
}

function fromResults({ results }: Told): Step[] {
  return (Object.keys(milestones) as Milestone[]).flatMap((what): Step[] => {
    const times = results.filter(({ name }) => milestones[what].includes(name)).map(({ createdAt }) => createdAt).sort()
    return times[0] ? [{ kind: 'result', at: times[0], what }] : []
  })
}

/** What carries no time stands after what it was told with. */
function timeOf(step: Step, moves: Step[]): string {
  if (step.kind !== 'lostEarlier') return step.at
  const before = moves[moves.indexOf(step) - 1]
  return before && 'at' in before ? before.at : ''
}

const compare = (a: string, b: string) => a < b ? -1 : a > b ? 1 : 0
const isEnd = (status: TaskStatus): status is Final => status !== 'PENDING' && status !== 'PROCESSING'
