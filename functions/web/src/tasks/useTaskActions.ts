import { ref, shallowRef, toValue, type MaybeRefOrGetter } from 'vue'
import { useRouter } from 'vue-router'
import { asProblem, type Problem } from '@/api/problem'
import type { Format } from '@/api/tasks'
import type { TaskResult } from '@/api/schema'
import { useText } from '@/i18n'
import { toast } from '@/shell/toasts'
import { useTasks } from '@/stores/tasks'

export type Action = 'cancel' | 'again'

/** What can be done with a task. What goes wrong is left in `problem`. */
export function useTaskActions(taskId: MaybeRefOrGetter<string>) {
  const { t } = useText()
  const tasks = useTasks()
  const router = useRouter()
  const busy = ref<Action | null>(null)
  const problem = shallowRef<Problem | null>(null)

  async function run(action: Action, act: (id: string) => Promise<unknown>): Promise<void> {
    if (busy.value) return
    busy.value = action
    problem.value = null
    try {
      await act(toValue(taskId))
    } catch (thrown) {
      problem.value = asProblem(thrown)
    } finally {
      busy.value = null
    }
  }

  const cancel = () => run('cancel', async (id) => {
    try {
      await tasks.cancel(id)
    } catch (thrown) {
      // It ended while the question was open: the page shows how.
      if (asProblem(thrown).code !== 'task_finished') throw thrown
      toast(t('tasks.cancelTooLate'))
    }
  })

  /** A new task of the same picture; goes to it. */
  const again = () => run('again', async (id) => {
    const { imageId, results } = tasks.stateOf(id) ?? await tasks.refresh(id)
    if (imageId) await router.push({ name: 'task', params: { id: await tasks.create(imageId, formatsIn(results)) } })
  })

  function remove(): void {
    const id = toValue(taskId)
    tasks.remove(id)
    toast(t('tasks.removed'), { action: { label: t('shell.undo'), run: () => tasks.undo(id) } })
  }

  return { busy, problem, cancel, again, remove }
}

const formats: Record<Format, true> = { 'stl': true, 'ply': true, '3mf': true, 'usdz': true }

/** The formats that were asked for beside the usual files, as far as they came. */
export function formatsIn(results: Pick<TaskResult, 'name'>[]): Format[] {
  return (Object.keys(formats) as Format[]).filter(format => results.some(({ name }) => name === `model.${format}`))
}
