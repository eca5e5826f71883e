import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import completed from '#contract/task-completed.json'
import processing from '#contract/task-processing.json'
import { Problem } from '@/api/problem'
import type { Task } from '@/api/schema'
import * as api from '@/api/tasks'
import { useTasks } from './tasks'
import { UNDO } from './undoable'

vi.mock('@/api/tasks')

const task = (taskId: string, changes: Partial<Task> = {}): Task => ({ ...processing as Task, taskId, ...changes })
const list = vi.mocked(api.listTasks)
const answer = (ids: string[], nextCursor: string | null = null) =>
  list.mockResolvedValueOnce({ items: ids.map(id => task(id)), nextCursor })

beforeEach(() => {
  vi.useFakeTimers()
  vi.resetAllMocks()
  vi.mocked(api.deleteTask).mockResolvedValue()
  setActivePinia(createPinia())
})
afterEach(() => { vi.useRealTimers() })

const ids = () => useTasks().list.map(({ taskId }) => taskId)

describe('the list', () => {
  it('goes on by its cursor, and takes newer tasks in at its head', async () => {
    const tasks = useTasks()
    answer(['c', 'b'], 'cursor')
    await tasks.load()
    answer(['a'])
    await tasks.loadMore()
    expect(list).toHaveBeenLastCalledWith('cursor')
    expect(tasks.nextCursor).toBeNull()
    answer(['d', 'c'], 'another')
    await tasks.load()
    expect(ids()).toEqual(['d', 'c', 'b', 'a'])
    expect(tasks.nextCursor).toBeNull()
  })

  it('begins anew where there may be a hole', async () => {
    const tasks = useTasks()
    answer(['b', 'a'])
    await tasks.load()
    answer(['f', 'e'], 'cursor')
    await tasks.load()
    expect(ids()).toEqual(['f', 'e'])
    expect(tasks.nextCursor).toBe('cursor')
  })

  it('keeps what it has when the API is away, and says so', async () => {
    const tasks = useTasks()
    answer(['a'])
    await tasks.load()
    list.mockRejectedValueOnce(new Problem('unavailable'))
    await tasks.load()
    expect(ids()).toEqual(['a'])
    expect(tasks.problem?.code).toBe('unavailable')
    expect(tasks.loading).toBe(false)
  })

  it('counts those that run', async () => {
    const tasks = useTasks()
    tasks.takeTask(completed as Task)
    list.mockResolvedValueOnce({ items: [task('a'), completed as Task], nextCursor: null })
    await tasks.load()
    expect(tasks.active.map(({ taskId }) => taskId)).toEqual(['a'])
    tasks.followed.add('a')
    expect(tasks.unfollowed).toEqual([])
  })
})

describe('watch', () => {
  it('asks for one that is older than the list reaches by itself', async () => {
    const tasks = useTasks()
    tasks.takeTask(task('0-old', { progress: 10 })) // opened by its address
    answer(['9-new'], 'cursor')
    vi.mocked(api.getTask).mockResolvedValue(task('0-old', { progress: 60, updatedAt: '2026-01-15T08:40:00.000Z' }))
    await tasks.watch()
    expect(api.getTask).toHaveBeenCalledExactlyOnceWith('0-old')
    expect(tasks.active.map(({ taskId, progress }) => [taskId, progress])).toEqual([['9-new', 42], ['0-old', 60]])
    tasks.followed.add('0-old')
    answer(['9-new'], 'cursor')
    await tasks.watch()
    expect(api.getTask).toHaveBeenCalledTimes(1)
  })

  it('forgets what was deleted elsewhere, and keeps what could not be asked for', async () => {
    const tasks = useTasks()
    tasks.takeTask(task('gone'))
    answer([])
    vi.mocked(api.getTask).mockRejectedValueOnce(new Problem('task_not_found', { status: 404 }))
    await tasks.watch()
    expect(tasks.active).toEqual([])
    tasks.takeTask(task('there'))
    answer([])
    vi.mocked(api.getTask).mockRejectedValueOnce(new Problem('unavailable', { retryAfter: 5 }))
    await tasks.watch()
    expect(tasks.active).toHaveLength(1)
    expect(tasks.problem?.retryAfter).toBe(5)
  })
})

describe('create', () => {
  it('shows the task at once', async () => {
    vi.mocked(api.createTask).mockResolvedValue({ taskId: 'new', status: 'PENDING', sseUrl: '/s', statusUrl: '/t' })
    expect(await useTasks().create('image', ['stl'])).toBe('new')
    expect(api.createTask).toHaveBeenCalledWith('image', ['stl'])
    expect(useTasks().list).toMatchObject([{ taskId: 'new', status: 'PENDING', imageId: 'image' }])
  })
})

describe('cancel', () => {
  it('takes the answer in', async () => {
    vi.mocked(api.cancelTask).mockResolvedValue(task('a', { status: 'CANCELLED' }))
    await useTasks().cancel('a')
    expect(useTasks().stateOf('a')?.status).toBe('CANCELLED')
  })

  it('that came too late says how the task has ended', async () => {
    vi.mocked(api.cancelTask).mockRejectedValue(new Problem('task_finished'))
    vi.mocked(api.getTask).mockResolvedValue(task('a', { status: 'COMPLETED' }))
    await expect(useTasks().cancel('a')).rejects.toMatchObject({ code: 'task_finished' })
    expect(useTasks().stateOf('a')?.status).toBe('COMPLETED')
  })
})

describe('freshResult', () => {
  it('asks again only when the URLs are about to end', async () => {
    const tasks = useTasks()
    tasks.takeTask(completed as Task)
    const name = completed.results[0]!.name
    expect((await tasks.freshResult(completed.taskId, name))?.url).toBe(completed.results[0]!.url)
    expect(api.getTask).not.toHaveBeenCalled()
    vi.advanceTimersByTime(9 * 60_000)
    const results = completed.results.map(result => ({ ...result, url: 'https://cos/fresh' }))
    vi.mocked(api.getTask).mockResolvedValue({ ...completed as Task, results })
    expect((await tasks.freshResult(completed.taskId, name))?.url).toBe('https://cos/fresh')
    expect(await tasks.freshResult(completed.taskId, 'none.glb')).toBeUndefined()
    expect(api.getTask).toHaveBeenCalledTimes(1)
  })
})

describe('remove', () => {
  const shown = async () => {
    answer(['b', 'a'])
    await useTasks().load()
  }

  it('hides at once and deletes later', async () => {
    await shown()
    useTasks().remove('a')
    expect(ids()).toEqual(['b'])
    expect(api.deleteTask).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(UNDO)
    expect(api.deleteTask).toHaveBeenCalledExactlyOnceWith('a', {})
    expect(useTasks().stateOf('a')).toBeUndefined()
  })

  it('can be undone', async () => {
    await shown()
    useTasks().remove('a')
    useTasks().undo('a')
    await vi.advanceTimersByTimeAsync(UNDO)
    expect(ids()).toEqual(['b', 'a'])
    expect(api.deleteTask).not.toHaveBeenCalled()
  })

  it('brings back what could not be deleted, and says why', async () => {
    await shown()
    vi.mocked(api.deleteTask).mockRejectedValue(new Problem('unreachable'))
    useTasks().remove('a')
    await vi.advanceTimersByTimeAsync(UNDO)
    expect(ids()).toEqual(['b', 'a'])
    expect(useTasks().removeProblem?.code).toBe('unreachable')
  })

  it('takes what is gone already for deleted', async () => {
    await shown()
    vi.mocked(api.deleteTask).mockRejectedValue(new Problem('task_not_found', { status: 404 }))
    useTasks().remove('a')
    await vi.advanceTimersByTimeAsync(UNDO)
    expect(ids()).toEqual(['b'])
    expect(useTasks().removeProblem).toBeNull()
  })

  it('is done at once when the page is left, in a request that outlives it', async () => {
    await shown()
    useTasks().remove('a')
    window.dispatchEvent(new Event('pagehide'))
    expect(api.deleteTask).toHaveBeenCalledExactlyOnceWith('a', { keepalive: true })
  })
})
