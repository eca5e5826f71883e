import { readonly, ref } from 'vue'
import { announce } from './announce'

export interface Toast {
  key: number
  text: string
  tone: 'plain' | 'good' | 'bad'
  action?: { label: string, run(): void }
}

const shown = ref<Toast[]>([])
const timers = new Map<number, number>()
let keys = 0

export const toasts = readonly(shown)

/** A short word at the foot of the page, with at most one thing to do. Answers what takes it away again. */
export function toast(text: string, { tone = 'plain', action, ms = 6_000 }: { tone?: Toast['tone'], action?: Toast['action'], ms?: number } = {}): () => void {
  const key = ++keys
  shown.value = [...shown.value.slice(-2), { key, text, tone, action }]
  announce(action ? `${text} ${action.label}` : text, tone === 'bad' ? 'assertive' : 'polite')
  timers.set(key, window.setTimeout(() => dismiss(key), ms))
  return () => dismiss(key)
}

export function dismiss(key: number): void {
  clearTimeout(timers.get(key))
  timers.delete(key)
  shown.value = shown.value.filter(toast => toast.key !== key)
}
