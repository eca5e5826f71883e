import { computed, ref, shallowRef } from 'vue'
import { asProblem, type Problem } from '@/api/problem'
import { OFFER } from '@/shell/toasts'

/** How long a delete can be taken back: as long as the toast that offers it is there. */
export const UNDO = OFFER

export type Delete = (id: string, options: { keepalive?: boolean }) => Promise<void>

/**
 * Deletes with a way back: what is removed is hidden at once and deleted when the time to undo is over, or when the page
 * is left. A delete that fails brings the thing back.
 */
export function useUndoable(act: Delete) {
  const waiting = new Map<string, { timer: number, done: () => void }>()
  const pending = ref<string[]>([])
  const going = ref(new Set<string>())
  const problem = shallowRef<Problem | null>(null)

  function remove(id: string, done: () => void): void {
    if (waiting.has(id)) return
    problem.value = null
    waiting.set(id, { timer: window.setTimeout(() => void commit(id), UNDO), done })
    pending.value = [...pending.value, id]
  }

  function undo(id: string): void {
    clearTimeout(waiting.get(id)?.timer)
    forget(id)
  }

  async function commit(id: string, options: { keepalive?: boolean } = {}): Promise<void> {
    const entry = waiting.get(id)
    if (!entry) return
    clearTimeout(entry.timer)
    going.value.add(id)
    forget(id)
    try {
      await act(id, options).catch((thrown) => {
        if (asProblem(thrown).status !== 404) throw thrown // gone already is gone
      })
      entry.done()
    } catch (thrown) {
      problem.value = asProblem(thrown)
    } finally {
      going.value.delete(id)
    }
  }

  function forget(id: string): void {
    waiting.delete(id)
    pending.value = pending.value.filter(other => other !== id)
  }

  window.addEventListener('pagehide', () => {
    for (const id of [...waiting.keys()]) void commit(id, { keepalive: true })
  })

  return {
    /** Those that can still be taken back, oldest first. */
    pending,
    problem: computed({ get: () => problem.value, set: (value) => { problem.value = value } }),
    isGone: (id: string) => pending.value.includes(id) || going.value.has(id),
    remove,
    undo,
  }
}
