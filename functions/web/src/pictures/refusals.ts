import { megabytes } from './bytes'
import type { Held } from './useIntake'

/** What the sentences of `pictures.refused` have blanks for. */
export function refusalNamed({ file, facts: { width = 0, height = 0 } }: Pick<Held, 'file' | 'facts'>) {
  return { size: megabytes(file.size), pixels: Math.round(width * height / 1e6) }
}
