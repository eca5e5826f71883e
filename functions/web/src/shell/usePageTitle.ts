import { useTitle } from '@vueuse/core'
import { computed, ref } from 'vue'
import { useRoute } from 'vue-router'
import type { TaskState } from '@/events/fold'
import { useText } from '@/i18n'
import { useTasks } from '@/stores/tasks'

const own = ref<string | null>(null)

/** A view's own name for itself, instead of its route's; null gives it back. */
export function setPageTitle(title: string | null): void {
  own.value = title
}

/** The tab tells of what is under way: `42% …` of one task, `(3) …` of several. */
export function titlePrefix(active: Pick<TaskState, 'progress'>[]): string {
  if (active.length === 0) return ''
  return active.length === 1 ? `${Math.round(active[0]?.progress ?? 0)}% · ` : `(${active.length}) `
}

export function usePageTitle(): void {
  const { t } = useText()
  const route = useRoute()
  const tasks = useTasks()
  const title = computed(() => own.value ?? (route.meta.title ? t(route.meta.title) : t('shell.tagline')))
  useTitle(computed(() => `${titlePrefix(tasks.active)}${title.value} · ${t('shell.name')}`))
}
