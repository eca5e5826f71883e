import type { Problem } from '@/api/problem'
import type { Translate } from '.'

/** A problem in the user's words: what happened, what to do, and how long to wait. */
export function describe(problem: Problem, t: Translate): string {
  const { code, retryAfter } = problem
  const sentence = t(`problems.${code}`)
  return retryAfter ? `${sentence} ${describeWait(retryAfter, t)}` : sentence
}

export function describeWait(seconds: number, t: Translate): string {
  return seconds > 90 ? t('shell.retryInMinutes', {}, Math.ceil(seconds / 60)) : t('shell.retryIn', {}, seconds)
}
