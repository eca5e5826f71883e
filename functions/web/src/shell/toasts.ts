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

/** How long a word can be read. */
const WORD = 6_000
/** How long there is something to do: somebody has to find it by the keyboard, too. */
export const OFFER = 12_000

/** A short word at the foot of the page, with at most one thing to do. Answers what takes it away again. */
export function toast(text: string, { tone = 'plain', action }: { tone?: Toast['tone'], action?: Toast['action'] } = {}): () => void {
  const key = ++keys
  shown.value = [...shown.value.slice(-2), { key, text, tone, action }]
  announce(action ? `${text} ${action.label}` : text, tone === 'bad' ? 'assertive' : 'polite')
  timers.set(key, window.setTimeout(() => dismiss(key), action ? OFFER : WORD))
  return () => dismiss(key)
}

export function dismiss(key: number): void {
  clearTimeout(timers.get(key))
  timers.delete(key)
  shown.value = shown.value.filter(toast => toast.key !== key)
}
