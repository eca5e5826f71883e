import { useDocumentVisibility } from '@vueuse/core'
import { onScopeDispose, watch } from 'vue'
import { useTasks } from '@/stores/tasks'
import { whenIdle } from './whenIdle'

/** Milliseconds between questions while the tab is seen, and while it is hidden and only its title shows, or the API is away. */
const SEEN = 8_000
const HIDDEN = 30_000

/**
 * Keeps tasks that run without being looked at up to date, by asking the list: one question for nearly all of them. A stream each would
 * use up the six connections that a browser has for a host.
 */
export function useActiveTasks(): void {
  const tasks = useTasks()
  const visibility = useDocumentVisibility()
  let timer = 0

  async function ask(): Promise<void> {
    if (tasks.unfollowed.length > 0 || !tasks.listed) await tasks.watch()
    schedule()
  }

  function schedule(): void {
    clearTimeout(timer)
    const wanted = tasks.active.length > 0 || !tasks.listed
    if (wanted && tasks.problem?.code !== 'unauthorized') timer = window.setTimeout(() => void ask(), pause())
  }

  function pause(): number {
    const { problem } = tasks
    if (problem) return Math.max(HIDDEN, (problem.retryAfter ?? 0) * 1000)
    return visibility.value === 'hidden' ? HIDDEN : SEEN
  }

  watch([() => tasks.active.length, visibility], schedule)
  const forget = whenIdle(() => void ask())
  onScopeDispose(() => {
    forget()
    clearTimeout(timer)
  })
}
