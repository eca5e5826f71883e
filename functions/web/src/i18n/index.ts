import { createI18n, useI18n } from 'vue-i18n'
import type { Language as ElementLanguage } from 'element-plus/es/locale'
import elementEn from 'element-plus/es/locale/lang/en'
import elementZh from 'element-plus/es/locale/lang/zh-cn'
import { ref, shallowRef } from 'vue'
import en, { type Messages } from './en'
import zh from './zh-CN'

export const languages = { 'zh-CN': '简体中文', 'en': 'English' } as const
export type Language = keyof typeof languages

/** `shell.title`, `problems.unreachable` …: every path to a text. */
export type MessageKey = Paths<Messages>
type Paths<T> = { [K in keyof T & string]: T[K] extends string ? K : `${K}.${Paths<T[K]>}` }[keyof T & string]

const KEY = 'recon3d.language'

const messages: Record<Language, Messages> = { 'zh-CN': zh, en }
const elements: Record<Language, ElementLanguage> = { 'zh-CN': elementZh, 'en': elementEn }

export const i18n = createI18n({ legacy: false, locale: '', messages })

export const language = ref<Language>('en')
/** Element Plus's own texts, for ElConfigProvider. */
export const elementLanguage = shallowRef<ElementLanguage>()

/** Chinese for whoever asks for any Chinese before English. */
export function preferred(wanted: readonly string[], kept = stored()): Language {
  if (kept) return kept
  for (const tag of wanted) {
    if (/^zh\b/i.test(tag)) return 'zh-CN'
    if (/^en\b/i.test(tag)) return 'en'
  }
  return 'en'
}

/** Shows a language's texts. `keep`: it was chosen, not guessed. */
export function setLanguage(to: Language, { keep = true } = {}): void {
  i18n.global.locale.value = to
  language.value = to
  elementLanguage.value = elements[to]
  document.documentElement.lang = to
  if (keep) store(to)
}

/** `count` chooses the plural form, and is `{n}` in it. A key that is not there does not compile. */
export type Translate = (key: MessageKey, named?: Record<string, unknown>, count?: number) => string

export const translate: Translate = (key, named = {}, count = 1) => i18n.global.t(key, { n: count, ...named }, count)

/** The texts of the present language, for a component. */
export function useText() {
  const { d, n, locale } = useI18n({ useScope: 'global' })
  return { t: translate, d, n, locale }
}

/** A browser that keeps nothing (private windows, blocked storage) only forgets the choice. */
function stored(): Language | null {
  try {
    const value = localStorage.getItem(KEY)
    return value !== null && Object.hasOwn(languages, value) ? value as Language : null
  } catch {
    return null
  }
}

function store(value: Language): void {
  try {
    localStorage.setItem(KEY, value)
  } catch {
    // see stored()
  }
}
