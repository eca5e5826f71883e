import { computed, onScopeDispose, shallowRef, watch } from 'vue'
import { isAbort } from '@/api/problem'
import type { TaskResult } from '@/api/schema'
import { useTasks } from '@/stores/tasks'
import { fetchResult } from './fetchResult'
import { parseReport, type Report } from './report'

const NAME = 'report.json'

/** The task's report, once it is there. `coming`: there is one, not here yet. `failed`: there is one and it could not be read. */
export function useReport(taskId: () => string, results: () => readonly TaskResult[]) {
  const tasks = useTasks()
  const report = shallowRef<Report | null>(null)
  const failed = shallowRef(false)
  const sha256 = computed(() => results().find(({ name }) => name === NAME)?.sha256)
  const coming = computed(() => sha256.value !== undefined && !report.value && !failed.value)
  let leaving = new AbortController()

  async function load(): Promise<void> {
    leaving.abort()
    const { signal } = leaving = new AbortController()
    failed.value = false
    report.value = null
    if (!sha256.value) return
    try {
      const read = parseReport(new TextDecoder().decode(await fetchResult(tasks, taskId(), NAME, { signal })))
      if (!signal.aborted) report.value = read
    } catch (thrown) {
      if (signal.aborted || isAbort(thrown)) return
      console.warn('report.json', thrown)
      failed.value = true
    }
  }

  watch([taskId, sha256], load, { immediate: true })
  onScopeDispose(() => leaving.abort())

  return { report, coming, failed, retry: load }
}
