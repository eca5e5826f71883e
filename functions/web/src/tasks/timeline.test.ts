import { describe, expect, it } from 'vitest'
import type { TaskResult } from '@/api/schema'
import { newTask, type Move, type TaskState } from '@/events/fold'
import { timeline, type Step } from './timeline'

const at = (second: number) => `2026-01-15T08:30:${String(second).padStart(2, '0')}.000Z`
const moves = (...told: [Move['status'], number, number][]): Move[] => told.map(([status, attempt, second], i) => ({ id: i + 1, status, attempt, at: at(second) }))
const result = (name: string, second: number): TaskResult => ({ name, url: 'u', size: 1, sha256: name, contentType: 'c', createdAt: at(second) })
const task = (changes: Partial<TaskState>): TaskState => ({ ...newTask('t'), createdAt: at(0), ...changes })
const short = (steps: Step[]) => steps.map(step => [step.kind, 'what' in step ? step.what : '', 'status' in step ? step.status : ''].filter(Boolean).join(' '))

describe('timeline', () => {
  it('tells moves and what has landed in the order of their times', () => {
    const state = task({
      status: 'COMPLETED', attempt: 1, finishedAt: at(9),
      moves: moves(['PENDING', 0, 0], ['PROCESSING', 1, 1], ['COMPLETED', 1, 9]),
      results: [result('model.glb', 7), result('pixel_images.png', 4), result('output3d.zip', 6), result('report.json', 8)],
    })
    expect(short(timeline(state))).toEqual(['created', 'started', 'result views', 'result model', 'ended COMPLETED'])
    expect(timeline(state)[3]).toEqual({ kind: 'result', at: at(6), what: 'model' })
  })

  it('tells of a lost attempt', () => {
    const state = task({ status: 'PROCESSING', attempt: 2, moves: moves(['PENDING', 0, 0], ['PROCESSING', 1, 1], ['PENDING', 1, 5], ['PROCESSING', 2, 6]) })
    expect(timeline(state)).toEqual([
      { kind: 'created', at: at(0) }, { kind: 'started', at: at(1), attempt: 1 },
      { kind: 'lost', at: at(5), attempt: 1 }, { kind: 'started', at: at(6), attempt: 2 },
    ])
  })

  it('makes do with the status document where no event came', () => {
    const state = task({ status: 'FAILED', attempt: 3, startedAt: at(20), finishedAt: at(30) })
    expect(timeline(state)).toEqual([
      { kind: 'created', at: at(0) }, { kind: 'lostEarlier', attempts: 2 },
      { kind: 'started', at: at(20), attempt: 3 }, { kind: 'ended', at: at(30), status: 'FAILED' },
    ])
  })

  it('knows the end by the status document before its event has come, and only once', () => {
    const told = moves(['PENDING', 0, 0], ['PROCESSING', 1, 1])
    expect(short(timeline(task({ status: 'CANCELLED', moves: told, finishedAt: at(4) })))).toEqual(['created', 'started', 'ended CANCELLED'])
    const both = moves(['PENDING', 0, 0], ['CANCELLED', 0, 4])
    expect(short(timeline(task({ status: 'CANCELLED', moves: both, finishedAt: at(4) })))).toEqual(['created', 'ended CANCELLED'])
  })

  it('is empty before anything is known', () => {
    expect(timeline(newTask('t'))).toEqual([])
  })
})
