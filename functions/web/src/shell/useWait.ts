import { useIntervalFn } from '@vueuse/core'
import { computed, ref, toValue, watch, type ComputedRef, type MaybeRefOrGetter } from 'vue'
import type { Problem } from '@/api/problem'

/** Seconds until what a problem asks to wait for is over, counting down; 0 where there is nothing to wait for. */
export function useWait(problem: MaybeRefOrGetter<Pick<Problem, 'at' | 'retryAfter'>>): ComputedRef<number> {
  const now = ref(Date.now())
  const left = computed(() => {
    const { at, retryAfter = 0 } = toValue(problem)
    return Math.max(0, Math.ceil((at + retryAfter * 1000 - now.value) / 1000))
  })
  const { pause, resume } = useIntervalFn(() => { now.value = Date.now() }, 1000, { immediate: false })
  watch(() => toValue(problem), () => { now.value = Date.now() })
  watch(() => left.value > 0, waiting => waiting ? resume() : pause(), { immediate: true })
  return left
}
