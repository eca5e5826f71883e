import type { useText } from '@/i18n'
import { describe } from '@/i18n/describe'
import { Problem } from '@/api/problem'
import type { Trouble } from './useViewer'

/** Why no model shows, as a sentence. */
export function sentence(trouble: Trouble, t: ReturnType<typeof useText>['t']): string {
  if (trouble === 'script') return `${t('shell.loadFailed')} ${t('shell.loadFailedAdvice')}`
  return trouble instanceof Problem ? describe(trouble, t) : t(`viewer.failures.${trouble.failure}`)
}
