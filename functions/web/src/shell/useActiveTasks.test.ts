import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { effectScope, nextTick, type EffectScope } from 'vue'
import example from '#contract/task-completed.json'
import processing from '#contract/task-processing.json'
import { Problem } from '@/api/problem'
import type { Task } from '@/api/schema'
import { listTasks } from '@/api/tasks'
import { useTasks } from '@/stores/tasks'
import { useActiveTasks } from './useActiveTasks'

vi.mock('@/api/tasks')

const completed = { ...example, taskId: 'completed' }
const list = vi.mocked(listTasks)
const answer = (...items: unknown[]) => list.mockResolvedValue({ items: items as Task[], nextCursor: null })

let scope: EffectScope

beforeEach(() => {
  vi.useFakeTimers()
  list.mockReset()
  setActivePinia(createPinia())
  scope = effectScope()
})
afterEach(() => {
  scope.stop()
  vi.useRealTimers()
})

async function start() {
  scope.run(useActiveTasks)
  await vi.advanceTimersByTimeAsync(0)
}

it('asks while something runs, and no longer', async () => {
  answer(processing)
  await start()
  await vi.advanceTimersByTimeAsync(8_000)
  expect(list).toHaveBeenCalledTimes(2)
  answer({ ...processing, status: 'COMPLETED', updatedAt: '2026-01-15T08:31:00.000Z' })
  await vi.advanceTimersByTimeAsync(8_000)
  expect(list).toHaveBeenCalledTimes(3)
  await vi.advanceTimersByTimeAsync(600_000)
  expect(list).toHaveBeenCalledTimes(3)
})

it('asks once where nothing runs', async () => {
  answer(completed)
  await start()
  await vi.advanceTimersByTimeAsync(600_000)
  expect(list).toHaveBeenCalledTimes(1)
})

it('leaves what a live stream tells of to the stream', async () => {
  answer(processing)
  await start()
  useTasks().followed.add(processing.taskId)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(list).toHaveBeenCalledTimes(1)
  useTasks().followed.delete(processing.taskId)
  await vi.advanceTimersByTimeAsync(8_000)
  expect(list).toHaveBeenCalledTimes(2)
})

it('asks less often in a hidden tab', async () => {
  vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden')
  answer(processing)
  await start()
  await vi.advanceTimersByTimeAsync(29_000)
  expect(list).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(list).toHaveBeenCalledTimes(2)
})

it('goes on when the API is back, and waits as long as it asks', async () => {
  list.mockRejectedValue(new Problem('unavailable', { retryAfter: 45 }))
  await start()
  await vi.advanceTimersByTimeAsync(44_000)
  expect(list).toHaveBeenCalledTimes(1)
  answer(completed)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(useTasks().listed).toBe(true)
})

it('does not knock where it is not let in', async () => {
  list.mockRejectedValue(new Problem('unauthorized'))
  await start()
  await vi.advanceTimersByTimeAsync(600_000)
  expect(list).toHaveBeenCalledTimes(1)
})

it('begins again when a task is made', async () => {
  answer(completed)
  await start()
  answer(processing, completed)
  useTasks().takeTask(processing as Task)
  await useTasks().load()
  await nextTick()
  await vi.advanceTimersByTimeAsync(8_000)
  expect(list).toHaveBeenCalledTimes(3)
})
