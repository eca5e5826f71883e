import { describe, expect, it } from 'vitest'
import { newTask, type Move } from '@/events/fold'
import type { Translate } from '@/i18n'
import { inOrder, kindOf } from './download'
import { counts, filtered, filterOf } from './filters'
import { noteStage, stageLabel, type Seen } from './stages'
import { tilePosition, tilesIn } from './tiles'
import { elapsed } from './useClock'
import { formatsIn } from './useTaskActions'
import { waitOf } from './wait'

const at = (second: number) => `2026-01-15T08:30:${String(second).padStart(2, '0')}.000Z`
const t: Translate = key => key

describe('stages', () => {
  it('have words, and show what they are called where there are none', () => {
    expect(stageLabel('mesh', t)).toBe('tasks.stages.mesh')
    expect(stageLabel('simmering', t)).toBe('simmering')
    expect(stageLabel('constructor', t)).toBe('constructor')
  })

  it('are kept as they come, those of the present attempt', () => {
    let seen: Seen[] = []
    for (const [attempt, stage, second] of [[1, 'read', 1], [1, 'read', 2], [1, '', 2], [1, 'mesh', 3]] as const) seen = noteStage(seen, { attempt, stage, updatedAt: at(second) })
    expect(seen).toEqual([{ attempt: 1, stage: 'read', at: at(1) }, { attempt: 1, stage: 'mesh', at: at(3) }])
    expect(noteStage(seen, { attempt: 1, stage: 'mesh', updatedAt: at(4) })).toBe(seen)
    expect(noteStage(seen, { attempt: 2, stage: 'read', updatedAt: at(5) })).toEqual([{ attempt: 2, stage: 'read', at: at(5) }])
  })
})

describe('filters', () => {
  const tasks = (['PENDING', 'PROCESSING', 'COMPLETED', 'FAILED', 'CANCELLED', 'COMPLETED'] as const).map(status => ({ status }))
  it('count and choose', () => {
    expect(counts(tasks)).toEqual({ all: 6, running: 2, done: 2, failed: 1, cancelled: 1 })
    expect(filtered(tasks, 'running').map(({ status }) => status)).toEqual(['PENDING', 'PROCESSING'])
    expect(filtered(tasks, 'all')).toHaveLength(6)
  })
  it.each([['failed', 'failed'], ['nonsense', 'all'], [['done', 'failed'], 'all'], [undefined, 'all']])('are read from the address: %s', (value, filter) => {
    expect(filterOf(value)).toBe(filter)
  })
})

describe('waiting', () => {
  const moves = (...told: Move['status'][]): Move[] => told.map((status, i) => ({ id: i + 1, status, attempt: 1, at: at(i) }))
  const task = newTask('t')
  it.each([
    ['busy', { ...task, status: 'PENDING' as const, moves: moves('PENDING') }],
    ['busy', { ...task, status: 'PENDING' as const, attempt: 2 }],
    ['again', { ...task, status: 'PENDING' as const, attempt: 1, moves: moves('PENDING', 'PROCESSING', 'PENDING') }],
    ['queue', { ...task, status: 'PROCESSING' as const, stage: 'queued' }],
    [null, { ...task, status: 'PROCESSING' as const, stage: 'mesh' }],
    [null, { ...task, status: 'CANCELLED' as const, stage: 'queued' }],
  ])('%s', (wait, state) => {
    expect(waitOf(state)).toBe(wait)
  })
})

describe('elapsed', () => {
  const state = { ...newTask('t'), createdAt: at(10), updatedAt: at(12) }
  it('runs until the end', () => {
    expect(elapsed(state, Date.parse(at(40)))).toBe(30)
    expect(elapsed({ ...state, finishedAt: at(25) }, Date.parse(at(40)))).toBe(15)
  })
  it('is never behind what was told, whatever this clock says', () => {
    expect(elapsed(state, Date.parse(at(0)))).toBe(2)
    expect(elapsed({ ...state, updatedAt: '' }, Date.parse(at(0)))).toBe(0)
  })
})

describe('tiles', () => {
  it('are cut from a row of squares', () => {
    expect(tilesIn(1536, 256)).toBe(6)
    expect(tilesIn(1024, 1024)).toBe(1)
    expect(tilesIn(1000, 256)).toBe(0)
    expect(tilesIn(0, 0)).toBe(0)
    expect([0, 5].map(tilePosition)).toEqual(['0% 50%', '100% 50%'])
  })
})

describe('files', () => {
  const files = ['pixel_images.png', 'output3d.zip', 'report.json', 'model.glb', 'model.3mf', 'odd'].map(name => ({ name }))
  it('stand as people want them', () => {
    expect(inOrder(files).map(({ name }) => name)).toEqual(['model.glb', 'output3d.zip', 'model.3mf', 'odd', 'pixel_images.png', 'report.json'])
  })
  it('say what they are good for', () => {
    expect(kindOf('model.3mf')).toBe('tasks.fileKinds.threemf')
    expect(kindOf('pixel_images.png')).toBe('tasks.fileKinds.views')
    expect(kindOf('constructor')).toBeUndefined()
  })
  it('tell the formats to ask for again', () => {
    expect(formatsIn([...files, { name: 'model.stl' }])).toEqual(['stl', '3mf'])
  })
})
