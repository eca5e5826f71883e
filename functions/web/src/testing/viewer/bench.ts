import { createPinia } from 'pinia'
import { createApp, h, nextTick, shallowRef } from 'vue'
import '@/shell/styles/tokens.css'
import '@/shell/styles/base.css'
import '@/shell/styles/element.css'
import type { TaskResult } from '@/api/schema'
import { i18n, preferred, setLanguage } from '@/i18n'
import { useTasks } from '@/stores/tasks'
import ModelViewer from '@/viewer/ModelViewer.vue'

const shown = shallowRef<{ taskId: string, results: TaskResult[] } | null>(null)

/** The viewer by itself on a page, for browser tests to open, close and measure. */
export const bench = {
  async open(taskId: string): Promise<void> {
    const { results } = await useTasks().refresh(taskId)
    shown.value = { taskId, results }
  },

  async close(): Promise<void> {
    shown.value = null
    await nextTick()
  },
}

declare global {
  interface Window { bench: typeof bench }
}

const app = createApp({ render: () => h('div', { class: 'page' }, shown.value ? h(ModelViewer, shown.value) : []) })
setLanguage(preferred(navigator.languages), { keep: false })
app.use(createPinia()).use(i18n).mount('#app')
window.bench = bench
