import { useDocumentVisibility, useIntervalFn } from '@vueuse/core'
import { computed, ref, toValue, watch, type ComputedRef, type MaybeRefOrGetter, type Ref } from 'vue'
import type { TaskState } from '@/events/fold'
import { isFinal } from '@/events/fold'

/** The present time, in milliseconds; ticks only while it is wanted and the page is seen. */
export function useClock(wanted: MaybeRefOrGetter<boolean> = true, ms = 1000): Ref<number> {
  const now = ref(Date.now())
  const visibility = useDocumentVisibility()
  const tick = () => { now.value = Date.now() }
  const { pause, resume } = useIntervalFn(tick, ms, { immediate: false })
  watch(() => toValue(wanted) && visibility.value === 'visible', (ticking) => {
    tick()
    if (ticking) resume()
    else pause()
  }, { immediate: true })
  return now
}

type Timed = Pick<TaskState, 'status' | 'createdAt' | 'finishedAt' | 'updatedAt'>

/** Seconds from handing in to the end, or to now. This machine's clock may be behind the server's: what was told is never in the future. */
export function elapsed({ createdAt, finishedAt, updatedAt }: Timed, now: number): number {
  if (!createdAt) return 0
  const end = finishedAt ? Date.parse(finishedAt) : Math.max(now, Date.parse(updatedAt) || 0)
  return Math.max(0, (end - Date.parse(createdAt)) / 1000)
}

export function useElapsed(state: MaybeRefOrGetter<Timed | undefined>): ComputedRef<number> {
  const now = useClock(() => { const task = toValue(state); return task !== undefined && !isFinal(task) })
  return computed(() => { const task = toValue(state); return task ? elapsed(task, now.value) : 0 })
}
