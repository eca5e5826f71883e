import { watch } from 'vue'
import type { TaskState } from '@/events/fold'
import { useText } from '@/i18n'
import { announce } from '@/shell/announce'
import { resultNamed } from './images'

/** Tells a screen reader of moves and of what has landed; percents would never let it finish a sentence. */
export function useTaskAnnouncements(state: () => TaskState | undefined): void {
  const { t } = useText()

  watch(() => [state()?.taskId, state()?.status] as const, ([id, status], [oldId, before]) => {
    if (!status || !before || id !== oldId) return // what is there when the page opens is read with the page
    announce(t(`tasks.announce.${status}`), status === 'FAILED' ? 'assertive' : 'polite')
  })
  watch(() => {
    const task = state()
    return task && { id: task.taskId, running: task.status === 'PROCESSING', views: has(task, 'pixel_images.png'), model: has(task, 'model.glb', 'output3d.zip') }
  }, (now, before) => {
    if (!now?.running || now.id !== before?.id) return
    if (now.model && !before.model) announce(t('tasks.announce.model'))
    else if (now.views && !before.views) announce(t('tasks.announce.views'))
  })
}

const has = (task: TaskState, ...names: string[]) => resultNamed(task, ...names) !== undefined
