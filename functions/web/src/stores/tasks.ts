import { defineStore } from 'pinia'
import { computed, ref, shallowReactive, shallowRef } from 'vue'
import { asProblem, type Problem } from '@/api/problem'
import type { Task, TaskResult } from '@/api/schema'
import * as api from '@/api/tasks'
import type { TaskEvent } from '@/events/event'
import { foldEvent, foldTask, isFinal, newTask, type TaskState } from '@/events/fold'
import { useUndoable } from './undoable'

/** Presigned URLs live 10 minutes (contract, 8). */
const URL_LIFE = 8 * 60_000

/** What is known of the user's tasks: one state an id, whether it came by the list, a status document or an event. */
export const useTasks = defineStore('tasks', () => {
  const states = shallowReactive(new Map<string, TaskState>())
  const signedAt = new Map<string, number>()

  /** Ids in the list's order, newest first. */
  const order = ref<string[]>([])
  const nextCursor = ref<string | null>(null)
  const listed = ref(false)
  const loading = ref(false)
  const problem = shallowRef<Problem | null>(null)

  const undoable = useUndoable(api.deleteTask)
  const list = computed(() => order.value.filter(id => !undoable.isGone(id)).flatMap(id => states.get(id) ?? []))
  /** All that run, newest first; also those that are older than the list reaches, for one may be open by its address. */
  const active = computed(() => [...states.values()]
    .filter(state => !isFinal(state) && !undoable.isGone(state.taskId))
    .sort((a, b) => a.taskId < b.taskId ? 1 : -1)) // ids are UUIDv7: they sort by time

  /** Those that a live stream tells of. */
  const followed = shallowReactive(new Set<string>())
  const unfollowed = computed(() => active.value.filter(({ taskId }) => !followed.has(taskId)))

  function stateOf(id: string): TaskState | undefined {
    return states.get(id)
  }

  function takeTask(task: Task): TaskState {
    const state = foldTask(states.get(task.taskId) ?? newTask(task.taskId), task)
    states.set(task.taskId, state)
    signedAt.set(task.taskId, Date.now())
    return state
  }

  function takeEvents(id: string, events: TaskEvent[]): void {
    states.set(id, events.reduce(foldEvent, states.get(id) ?? newTask(id)))
  }

  /**
   * Brings up to date what runs without being followed: one question for the newest, and one for each that is older than those. Fails
   * quietly into `problem`.
   */
  async function watch(): Promise<void> {
    if (loading.value) return
    const told = new Set(await load())
    if (problem.value) return
    const older = unfollowed.value.filter(({ taskId }) => !told.has(taskId))
    await Promise.all(older.map(({ taskId }) => refresh(taskId).catch((thrown) => {
      if (asProblem(thrown).code === 'task_not_found') forget(taskId) // deleted elsewhere
      else problem.value = asProblem(thrown)
    })))
  }

  /** The newest tasks; those that the list has already keep their place. Answers their ids. Fails quietly into `problem`. */
  function load(): Promise<string[]> {
    return page(undefined, (ids, cursor) => {
      const known = new Set(order.value)
      const joined = ids.some(id => known.has(id))
      // Where nothing of the old list is left in sight, there may be a hole between the two: begin anew.
      if (!joined) nextCursor.value = cursor
      order.value = joined ? [...ids.filter(id => !known.has(id)), ...order.value] : ids
    })
  }

  async function loadMore(): Promise<void> {
    const cursor = nextCursor.value
    if (!cursor) return
    await page(cursor, (ids, next) => {
      nextCursor.value = next
      order.value = [...new Set([...order.value, ...ids])]
    })
  }

  async function page(cursor: string | undefined, take: (ids: string[], next: string | null) => void): Promise<string[]> {
    if (loading.value) return []
    loading.value = true
    try {
      const answer = await api.listTasks(cursor)
      answer.items.forEach(takeTask)
      const ids = answer.items.map(task => task.taskId)
      take(ids, answer.nextCursor)
      listed.value = true
      problem.value = null
      return ids
    } catch (thrown) {
      problem.value = asProblem(thrown)
      return []
    } finally {
      loading.value = false
    }
  }

  /** Answers the new task's id. Throws a Problem. */
  async function create(imageId: string, formats?: api.Format[]): Promise<string> {
    const { taskId, status, sseUrl } = await api.createTask(imageId, formats)
    if (!states.has(taskId)) states.set(taskId, { ...newTask(taskId), status, imageId, sseUrl })
    if (!order.value.includes(taskId)) order.value = [taskId, ...order.value]
    return taskId
  }

  /** Throws a Problem; after `task_finished` the state says how it has ended. */
  async function cancel(id: string): Promise<void> {
    try {
      takeTask(await api.cancelTask(id))
    } catch (thrown) {
      if (asProblem(thrown).code === 'task_finished') takeTask(await api.getTask(id))
      throw thrown
    }
  }

  async function refresh(id: string): Promise<TaskState> {
    return takeTask(await api.getTask(id))
  }

  /** A result whose URL is good for a while yet: asks for a fresh one where it is not. Undefined: there is no such result. */
  async function freshResult(id: string, name: string): Promise<TaskResult | undefined> {
    const fresh = Date.now() - (signedAt.get(id) ?? 0) < URL_LIFE
    const state = fresh ? states.get(id) : await refresh(id)
    return state?.results.find(result => result.name === name)
  }

  /** Forgets at once, deletes after the time to undo. */
  function remove(id: string): void {
    undoable.remove(id, () => forget(id))
  }

  function forget(id: string): void {
    order.value = order.value.filter(other => other !== id)
    states.delete(id)
  }

  return {
    list, active, followed, unfollowed, nextCursor, listed, loading, problem, removed: undoable.pending, removeProblem: undoable.problem,
    stateOf, takeTask, takeEvents, watch, load, loadMore, create, cancel, refresh, freshResult, remove, undo: undoable.undo,
  }
})
