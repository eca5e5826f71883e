import { shallowRef, watch, type ShallowRef } from 'vue'
import type { TaskState } from '@/events/fold'
import { noteStage, type Seen } from './stages'

/** The stages of the present attempt that this page has seen; the worker tells only the one that it is at. */
export function useStages(state: () => TaskState | undefined): ShallowRef<Seen[]> {
  const seen = shallowRef<Seen[]>([])
  watch(() => state()?.taskId, () => { seen.value = [] })
  watch(state, (task) => {
    if (task?.status === 'PROCESSING') seen.value = noteStage(seen.value, task)
  }, { immediate: true })
  return seen
}
