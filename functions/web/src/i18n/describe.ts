import type { Problem } from '@/api/problem'
import type { Translate } from '.'

/** A problem in the user's words: what happened, what to do, and how long to wait. */
export function describe(problem: Problem, t: Translate): string {
  const { code, retryAfter } = problem
  const sentence = t(`problems.${code}`)
  if (!retryAfter) return sentence
  const wait = retryAfter > 90 ? t('shell.retryInMinutes', {}, Math.ceil(retryAfter / 60)) : t('shell.retryIn', {}, retryAfter)
  return `${sentence} ${wait}`
}
