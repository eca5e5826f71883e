import { computed, getCurrentScope, onScopeDispose, shallowRef, toValue, watch, type ComputedRef, type MaybeRefOrGetter, type ShallowRef } from 'vue'
import type { Problem } from '@/api/problem'
import { useTasks } from '@/stores/tasks'
import type { TaskState } from './fold'
import { TaskStream, type Connection } from './stream'

export interface TaskEvents {
  /** Undefined until the first answer. */
  state: ComputedRef<TaskState | undefined>
  connection: ShallowRef<Connection>
  /** Why the connection is `waiting` or `lost`. */
  problem: ShallowRef<Problem | null>
  /** Asks at once instead of waiting for the next try. */
  retry(): void
}

/** Follows a task as long as the calling scope lives. States are shared through the tasks store. */
export function useTaskEvents(taskId: MaybeRefOrGetter<string>): TaskEvents {
  const tasks = useTasks()
  const connection = shallowRef<Connection>('connecting')
  const problem = shallowRef<Problem | null>(null)
  let stream: TaskStream | undefined

  watch(() => toValue(taskId), (id) => {
    stream?.close()
    stream = new TaskStream(id, {
      state: () => tasks.stateOf(id),
      events: events => tasks.takeEvents(id, events),
      task: task => tasks.takeTask(task),
      connection(to, why) {
        connection.value = to
        problem.value = why
        if (to === 'live') tasks.followed.add(id)
        else tasks.followed.delete(id)
      },
    })
    stream.open()
  }, { immediate: true })

  if (getCurrentScope()) onScopeDispose(() => stream?.close())

  return {
    state: computed(() => tasks.stateOf(toValue(taskId))),
    connection,
    problem,
    retry: () => stream?.retry(),
  }
}
