import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope, nextTick, shallowRef, watch, type EffectScope } from 'vue'
import processing from '#contract/task-processing.json'
import { Problem } from '@/api/problem'
import type { Task, TaskStatus } from '@/api/schema'
import { getTask } from '@/api/tasks'
import { useTasks } from '@/stores/tasks'
import { FakeEventSource } from '@/testing/eventSource'
import { timing } from './stream'
import { useTaskEvents } from './useTaskEvents'

vi.mock('@/api/tasks')

const { taskId } = processing
const at = (second: number) => `2026-01-15T08:31:${String(second).padStart(2, '0')}.000Z`
const task = (changes: Partial<Task> = {}): Task => ({ ...processing as Task, updatedAt: at(0), results: [], sseUrl: '/events?ticket=one', ...changes })
const status = (status: TaskStatus, second: number, attempt = 1) => ({ taskId, status, attempt, at: at(second) })
const ask = vi.mocked(getTask)
const settle = () => vi.advanceTimersByTimeAsync(0)

let scope: EffectScope
let seen: DocumentVisibilityState

function follow(id: string | (() => string) = taskId) {
  return scope.run(() => useTaskEvents(id))!
}

function show(visibility: DocumentVisibilityState) {
  seen = visibility
  document.dispatchEvent(new Event('visibilitychange'))
}

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('EventSource', FakeEventSource)
  vi.spyOn(document, 'visibilityState', 'get').mockImplementation(() => seen)
  seen = 'visible'
  FakeEventSource.all = []
  setActivePinia(createPinia())
  ask.mockReset().mockResolvedValue(task())
  scope = effectScope()
})

afterEach(() => {
  scope.stop()
  vi.useRealTimers()
})

async function live() {
  const events = follow()
  await settle()
  FakeEventSource.last.open()
  return events
}

describe('a stream', () => {
  it('begins with the status document, and goes on live', async () => {
    const { state, connection } = follow()
    expect(state.value).toBeUndefined()
    await settle()
    expect(state.value?.status).toBe('PROCESSING')
    expect(FakeEventSource.last.url.pathname + FakeEventSource.last.url.search).toBe('/events?ticket=one')
    FakeEventSource.last.open()
    expect(connection.value).toBe('live')
    FakeEventSource.last.say('progress', { taskId, progress: 61, stage: 'texture', at: at(3) })
    expect(state.value).toMatchObject({ progress: 61, stage: 'texture' })
  })

  it('tells of the first event at once, and of those close behind it together', async () => {
    const { state } = await live()
    const told = vi.fn()
    scope.run(() => watch(state, told, { flush: 'sync' }))
    for (let id = 1; id <= 40; id++) FakeEventSource.last.say('status', status('PROCESSING', id, id), String(id))
    expect(told).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(timing.pace)
    expect(told).toHaveBeenCalledTimes(2)
    expect(state.value).toMatchObject({ attempt: 40, lastEventId: 40 })
  })

  it('keeps what came just before it was left', async () => {
    const { state } = await live()
    FakeEventSource.last.say('status', status('PROCESSING', 1), '1')
    FakeEventSource.last.say('status', status('COMPLETED', 2), '2')
    scope.stop()
    expect(useTasks().stateOf(taskId)).toMatchObject({ status: 'COMPLETED', lastEventId: 2 })
    expect(state.value?.lastEventId).toBe(2)
  })

  it('stops at the end', async () => {
    const { state, connection } = await live()
    FakeEventSource.last.say('status', status('COMPLETED', 4), '1')
    expect(state.value?.status).toBe('COMPLETED')
    expect(connection.value).toBe('ended')
    expect(FakeEventSource.last.readyState).toBe(FakeEventSource.CLOSED)
    await vi.advanceTimersByTimeAsync(10 * timing.silence)
    expect(ask).toHaveBeenCalledTimes(1)
  })

  it('is not made for a task that has ended', async () => {
    ask.mockResolvedValue(task({ status: 'FAILED' }))
    const { connection } = follow()
    await settle()
    expect(connection.value).toBe('ended')
    expect(FakeEventSource.all).toHaveLength(0)
  })

  it('passes over kinds and forms that it does not know', async () => {
    const { state } = await live()
    const before = state.value
    FakeEventSource.last.say('status', '<html>', '1')
    FakeEventSource.last.say('thumbnail', { taskId }, '2')
    expect(state.value).toBe(before)
  })

  it('goes with its scope', async () => {
    await live()
    scope.stop()
    expect(FakeEventSource.last.readyState).toBe(FakeEventSource.CLOSED)
    await vi.advanceTimersByTimeAsync(timing.silence)
    window.dispatchEvent(new Event('online'))
    expect(ask).toHaveBeenCalledTimes(1)
  })

  it('changes over to another task', async () => {
    const id = shallowRef(taskId)
    const { state } = follow(() => id.value)
    await settle()
    const first = FakeEventSource.last
    ask.mockResolvedValue(task({ taskId: 'other', sseUrl: '/other' }))
    id.value = 'other'
    await nextTick()
    await settle()
    expect(first.readyState).toBe(FakeEventSource.CLOSED)
    expect(FakeEventSource.last.url.pathname).toBe('/other')
    expect(state.value?.taskId).toBe('other')
  })
})

describe('a cut line', () => {
  it('is left to the browser to mend', async () => {
    const { connection } = await live()
    FakeEventSource.last.drop()
    expect(connection.value).toBe('connecting')
    FakeEventSource.last.open()
    expect(connection.value).toBe('live')
    expect(FakeEventSource.all).toHaveLength(1)
  })

  it('has the status asked however often the browser tries', async () => {
    await live()
    for (let tries = 0; tries < 5; tries++) {
      FakeEventSource.last.drop()
      await vi.advanceTimersByTimeAsync(2_000)
    }
    expect(ask).toHaveBeenCalledTimes(2)
  })

  it('has the status asked when it stays cut', async () => {
    const { state, connection, problem } = await live()
    FakeEventSource.last.drop()
    ask.mockResolvedValue(task({ progress: 80, updatedAt: at(9) }))
    await vi.advanceTimersByTimeAsync(timing.patience)
    expect(state.value?.progress).toBe(80)
    ask.mockRejectedValue(new Problem('unreachable'))
    await vi.advanceTimersByTimeAsync(timing.patience)
    expect(connection.value).toBe('waiting')
    expect(problem.value?.code).toBe('unreachable')
    ask.mockResolvedValue(task({ progress: 90, updatedAt: at(10) }))
    await vi.advanceTimersByTimeAsync(30_000)
    expect(problem.value).toBeNull()
    expect(state.value?.progress).toBe(90)
  })
})

describe('a refused stream', () => {
  it('goes on with a fresh ticket, after the last event', async () => {
    const { connection } = await live()
    FakeEventSource.last.say('status', status('PROCESSING', 1), '1')
    ask.mockResolvedValue(task({ sseUrl: '/events?ticket=two' }))
    FakeEventSource.last.refuse()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(FakeEventSource.all).toHaveLength(2)
    expect(FakeEventSource.last.url.search).toBe('?ticket=two&lastEventId=1')
    FakeEventSource.last.open()
    expect(connection.value).toBe('live')
  })

  it('ends where the status knows the end (204)', async () => {
    const { state, connection } = await live()
    ask.mockResolvedValue(task({ status: 'COMPLETED', updatedAt: at(9) }))
    FakeEventSource.last.refuse()
    await settle()
    expect(connection.value).toBe('ended')
    expect(state.value?.status).toBe('COMPLETED')
  })

  it('comes later and later, and the status is asked in between', async () => {
    await live()
    const opened: number[] = []
    for (let i = 0; i < 5; i++) {
      FakeEventSource.last.refuse()
      const made = FakeEventSource.all.length
      const began = Date.now()
      while (FakeEventSource.all.length === made) await vi.advanceTimersByTimeAsync(50)
      opened.push(Date.now() - began)
    }
    expect(opened[0]).toBeLessThanOrEqual(1_050)
    expect(opened[4]).toBeGreaterThanOrEqual(8_000)
    expect(ask).toHaveBeenCalledTimes(6)
  })

  it('waits as long as the server asks', async () => {
    ask.mockRejectedValue(new Problem('unavailable', { status: 503, retryAfter: 20 }))
    const { connection } = follow()
    await settle()
    expect(connection.value).toBe('waiting')
    await vi.advanceTimersByTimeAsync(19_900)
    expect(ask).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(200)
    expect(ask).toHaveBeenCalledTimes(2)
  })

  it('asks at once when the person or the network says so', async () => {
    ask.mockRejectedValue(new Problem('unreachable'))
    const { retry } = follow()
    await settle()
    retry()
    await settle()
    expect(ask).toHaveBeenCalledTimes(2)
    window.dispatchEvent(new Event('online'))
    await settle()
    expect(ask).toHaveBeenCalledTimes(3)
  })

  it.each(['task_not_found', 'unauthorized'] as const)('is given up on %s, until asked to retry', async (code) => {
    ask.mockRejectedValue(new Problem(code))
    const { connection, problem, retry } = follow()
    await settle()
    expect(connection.value).toBe('lost')
    expect(problem.value?.code).toBe(code)
    await vi.advanceTimersByTimeAsync(300_000)
    expect(ask).toHaveBeenCalledTimes(1)
    ask.mockResolvedValue(task())
    retry()
    await settle()
    FakeEventSource.last.open()
    expect(connection.value).toBe('live')
  })
})

describe('a hole in the numbers', () => {
  it('has the status asked once, however fast events come', async () => {
    const { state } = await live()
    let answer: (task: Task) => void = () => {}
    ask.mockImplementation(() => new Promise((resolve) => { answer = resolve }))
    FakeEventSource.last.say('status', status('PROCESSING', 2), '2')
    for (let second = 3; second < 30; second++) FakeEventSource.last.say('progress', { taskId, progress: second, stage: '', at: at(second) })
    expect(ask).toHaveBeenCalledTimes(2)
    answer(task({ updatedAt: at(40), progress: 40 }))
    await settle()
    expect(state.value).toMatchObject({ lastEventId: 2, ahead: [], progress: 40 })
  })
})

describe('a silent stream', () => {
  it('is checked against the status, and a failure of that harms nothing', async () => {
    const { state, connection, problem } = await live()
    ask.mockRejectedValueOnce(new Problem('unavailable'))
    await vi.advanceTimersByTimeAsync(timing.silence)
    expect(connection.value).toBe('live')
    expect(problem.value).toBeNull()
    ask.mockResolvedValue(task({ progress: 77, updatedAt: at(50) }))
    await vi.advanceTimersByTimeAsync(timing.silence)
    expect(state.value?.progress).toBe(77)
  })
})

describe('a hidden tab', () => {
  it('closes the stream after a while, and opens it after the last event when seen', async () => {
    const { connection } = await live()
    FakeEventSource.last.say('status', status('PROCESSING', 1), '1')
    show('hidden')
    await vi.advanceTimersByTimeAsync(timing.pause - 1)
    expect(connection.value).toBe('live')
    await vi.advanceTimersByTimeAsync(1)
    expect(connection.value).toBe('paused')
    expect(FakeEventSource.last.readyState).toBe(FakeEventSource.CLOSED)
    show('visible')
    expect(FakeEventSource.all).toHaveLength(2)
    expect(FakeEventSource.last.url.search).toBe('?ticket=one&lastEventId=1')
  })

  it('keeps a stream that is only out of sight for a moment', async () => {
    await live()
    show('hidden')
    await vi.advanceTimersByTimeAsync(timing.pause / 2)
    show('visible')
    await vi.advanceTimersByTimeAsync(timing.pause)
    expect(FakeEventSource.all).toHaveLength(1)
    expect(FakeEventSource.last.readyState).toBe(FakeEventSource.OPEN)
  })

  it('renews an old ticket first', async () => {
    await live()
    show('hidden')
    await vi.advanceTimersByTimeAsync(timing.ticket + timing.pause)
    ask.mockResolvedValue(task({ sseUrl: '/events?ticket=two' }))
    show('visible')
    await settle()
    expect(FakeEventSource.last.url.search).toBe('?ticket=two')
  })

  it('pauses one that was opened hidden, and one whose task ends elsewhere is ended when seen', async () => {
    seen = 'hidden'
    const { connection } = await live()
    await vi.advanceTimersByTimeAsync(timing.pause)
    expect(connection.value).toBe('paused')
    useTasks().takeTask(task({ status: 'CANCELLED', updatedAt: at(20) }))
    show('visible')
    await settle()
    expect(connection.value).toBe('ended')
  })
})

it('tells the store which tasks are followed live', async () => {
  await live()
  expect(useTasks().followed).toContain(taskId)
  scope.stop()
  expect(useTasks().followed).not.toContain(taskId)
})
