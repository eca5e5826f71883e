import { describe, expect, it } from 'vitest'
import completed from '#contract/task-completed.json'
import failed from '#contract/task-failed.json'
import processing from '#contract/task-processing.json'
import replaced from '#contract/event-result-replaced.json'
import result from '#contract/event-result.json'
import type { Task, TaskStatus } from '@/api/schema'
import { parseEvent, type TaskEvent } from './event'
import { foldEvent, foldTask, hasGap, newTask, type TaskState } from './fold'

const taskId = processing.taskId

const at = (second: number) => `2026-01-15T08:30:${String(second).padStart(2, '0')}.000Z`

const status = (id: number, status: TaskStatus, attempt: number, second = id): TaskEvent =>
  ({ kind: 'status', id, data: { taskId, status, attempt, at: at(second) } })

const file = (id: number, name: string, attempt = 1, url: string | null = `https://cos/${name}?${attempt}`): TaskEvent =>
  ({ kind: 'result', id, data: { taskId, attempt, name, url, size: 1, sha256: 'ab', contentType: 'image/png', at: at(id) } })

const progress = (percent: number, second: number, stage = 'mesh'): TaskEvent =>
  ({ kind: 'progress', data: { taskId, progress: percent, stage, at: at(second) } })

const task = (changes: Partial<Task>): Task => ({ ...processing as Task, results: [], progress: 0, updatedAt: at(0), ...changes })

const fold = (events: TaskEvent[], from: TaskState = newTask(taskId)) => events.reduce(foldEvent, from)
const names = (state: TaskState) => state.results.map(({ name }) => name)

const whole = [
  status(1, 'PENDING', 0), status(2, 'PROCESSING', 1), file(3, 'pixel_images.png'), file(4, 'xyz_images.png'), file(5, 'output3d.zip'),
  status(6, 'COMPLETED', 1),
]

describe('the whole way', () => {
  it('ends with all results, in the order in which they came', () => {
    const state = fold(whole)
    expect(state).toMatchObject({ status: 'COMPLETED', progress: 100, lastEventId: 6, ahead: [], finishedAt: at(6), startedAt: at(2) })
    expect(names(state)).toEqual(['pixel_images.png', 'xyz_images.png', 'output3d.zip'])
    expect(state.moves.map(({ status }) => status)).toEqual(['PENDING', 'PROCESSING', 'COMPLETED'])
  })

  it('changes nothing in place', () => {
    const before = Object.freeze(fold(whole.slice(0, 3)))
    expect(fold(whole.slice(3), before).results).toHaveLength(3)
    expect(before.results).toHaveLength(1)
  })
})

describe('duplicates', () => {
  it('are the same state, object and all', () => {
    const state = fold(whole)
    expect(fold(whole, state)).toBe(state)
  })

  it('bring a fresher URL', () => {
    const fresh = foldEvent(fold(whole), file(3, 'pixel_images.png', 1, 'https://cos/fresh'))
    expect(fresh.results[0]?.url).toBe('https://cos/fresh')
    expect(names(fresh)).toEqual(names(fold(whole)))
  })
})

describe('gaps and order', () => {
  it('shows a hole, and closes it', () => {
    const holed = fold([whole[0]!, whole[1]!, whole[3]!])
    expect(hasGap(holed)).toBe(true)
    expect(holed.lastEventId).toBe(2)
    const filled = foldEvent(holed, whole[2]!)
    expect(hasGap(filled)).toBe(false)
    expect(filled.lastEventId).toBe(4)
  })

  it('comes to the same whatever the order', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const state = fold(shuffled(whole, seed))
      expect(state).toMatchObject({ status: 'COMPLETED', attempt: 1, lastEventId: 6, ahead: [], progress: 100 })
      expect(new Set(names(state))).toEqual(new Set(names(fold(whole))))
      expect(state.moves.map(({ id }) => id)).toEqual([1, 2, 6])
    }
  })

  it('lets a status document that is newer than all fill the hole', () => {
    const holed = fold([status(1, 'PENDING', 0), file(3, 'pixel_images.png')])
    const state = foldTask(holed, task({ updatedAt: at(3), status: 'PROCESSING' }))
    expect(state).toMatchObject({ status: 'PROCESSING', lastEventId: 3, ahead: [] })
  })
})

describe('attempts', () => {
  const second = [...whole.slice(0, 3), status(4, 'PENDING', 1), status(5, 'PROCESSING', 2)]

  it('keeps the results while the lost attempt is the last', () => {
    expect(names(fold(second.slice(0, 4)))).toEqual(['pixel_images.png'])
  })

  it('drops the lower attempt\'s results and progress when it rises', () => {
    const state = fold([...second.slice(0, 3), progress(70, 3), ...second.slice(3)])
    expect(state).toMatchObject({ attempt: 2, results: [], progress: 0, stage: '' })
  })

  it('takes no result of a lower one, nor one that was replaced', () => {
    expect(fold([...second, file(6, 'late.png', 1)]).results).toEqual([])
    expect(fold([...second, file(6, 'pixel_images.png', 2, null)]).results).toEqual([])
  })

  it('takes a result as the first sign of a higher one', () => {
    const state = fold([...second.slice(0, 4), file(6, 'pixel_images.png', 2)])
    expect(state.results).toMatchObject([{ url: 'https://cos/pixel_images.png?2' }])
    expect(state.attempt).toBe(2)
  })

  it('goes back to PROCESSING in the same attempt when the silent worker speaks again', () => {
    expect(fold([...second.slice(0, 4), status(5, 'PROCESSING', 1)])).toMatchObject({ status: 'PROCESSING', attempt: 1 })
  })
})

describe('progress', () => {
  const running = fold(whole.slice(0, 2))

  it('is the last one that was said', () => {
    expect(fold([progress(40, 5), progress(30, 4)], running)).toMatchObject({ progress: 40 })
    expect(fold([progress(40, 5), progress(42, 5, 'texture')], running)).toMatchObject({ progress: 42, stage: 'texture' })
  })

  it('forgets a place in the queue that is not said any more', () => {
    const queued = foldEvent(running, { kind: 'progress', data: { taskId, progress: 0, stage: 'queued', queuePosition: 2, at: at(3) } })
    expect(queued.queuePosition).toBe(2)
    expect(foldEvent(queued, progress(1, 4)).queuePosition).toBeUndefined()
  })

  it('does not move what has ended', () => {
    const state = fold(whole)
    expect(foldEvent(state, progress(3, 59))).toBe(state)
  })
})

describe('status documents', () => {
  it('reads the examples of the contract', () => {
    const state = foldTask(newTask(taskId), processing as Task)
    expect(state).toMatchObject({ status: 'PROCESSING', progress: 42, stage: 'mesh', sseUrl: processing.sseUrl, imageId: processing.imageId })
    expect(foldTask(newTask(completed.taskId), completed as Task).results).toHaveLength(completed.results.length)
    expect(foldTask(newTask(failed.taskId), failed as Task).error).toEqual(failed.error)
  })

  it('are not taken back by the replay of what led to them', () => {
    const state = fold(whole.slice(0, 5), foldTask(newTask(taskId), task({ status: 'COMPLETED', progress: 100, attempt: 1, updatedAt: at(6) })))
    expect(state).toMatchObject({ status: 'COMPLETED', progress: 100, lastEventId: 5 })
    const running = foldTask(newTask(taskId), task({ status: 'PROCESSING', progress: 50, attempt: 1, updatedAt: at(9) }))
    expect(fold([status(1, 'PENDING', 0)], running)).toMatchObject({ status: 'PROCESSING', progress: 50 })
    expect(fold([status(1, 'PENDING', 0), status(2, 'PROCESSING', 1), status(3, 'PENDING', 1, 10)], running)).toMatchObject({ status: 'PENDING' })
  })

  it('brings only URLs and the ticket where it is older than the events', () => {
    const state = foldTask(fold(whole), task({ status: 'PROCESSING', attempt: 1, updatedAt: at(4), sseUrl: '/fresh' }))
    expect(state).toMatchObject({ status: 'COMPLETED', progress: 100, sseUrl: '/fresh' })
    expect(names(state)).toHaveLength(3)
  })

  it('renews the URLs of an ended task', () => {
    const results = fold(whole).results.map(result => ({ ...result, url: `${result.url}&fresh` }))
    const state = foldTask(fold(whole), task({ status: 'COMPLETED', attempt: 1, updatedAt: at(6), results }))
    expect(state.results.every(({ url }) => url.endsWith('&fresh'))).toBe(true)
  })
})

it('is about one task only', () => {
  const state = newTask('another')
  expect(foldEvent(state, whole[0]!)).toBe(state)
  expect(foldTask(state, processing as Task)).toBe(state)
})

describe('parseEvent', () => {
  it('reads the examples of the contract', () => {
    const came = parseEvent('result', JSON.stringify(result), '3')
    const gone = parseEvent('result', JSON.stringify(replaced), '3')
    expect(foldEvent(newTask(taskId), came!).results).toMatchObject([{ name: result.name, url: result.url, createdAt: result.at }])
    expect(foldEvent(newTask(taskId), gone!).results).toEqual([])
  })

  it.each([
    ['an unknown kind', 'thumbnail', JSON.stringify(result), '3'],
    ['no JSON', 'status', '<html>', '3'],
    ['an unknown status', 'status', JSON.stringify({ taskId, status: 'PAUSED', attempt: 1, at: at(1) }), '3'],
    ['a durable event without a number', 'result', JSON.stringify(result), ''],
    ['progress without a number', 'progress', JSON.stringify({ taskId, progress: 'half', at: at(1) }), ''],
    ['nothing', 'progress', 'null', ''],
  ])('passes over %s', (_, kind, data, id) => {
    expect(parseEvent(kind, data, id)).toBeNull()
  })
})

/** Fisher–Yates with a small linear generator: the same order for the same seed. */
function shuffled<T>(items: T[], seed: number): T[] {
  const mixed = [...items]
  for (let i = mixed.length - 1; i > 0; i--) {
    seed = (seed * 1103515245 + 12345) % 2147483648
    const j = seed % (i + 1)
    ;[mixed[i], mixed[j]] = [mixed[j]!, mixed[i]!]
  }
  return mixed
}
