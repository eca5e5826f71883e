/** Why a file can't be shown, as far as the file itself is to blame. Each has its sentence: i18n `viewer.failures`. */
export type ModelFailure =
  | 'page' // a web page instead of a file: a proxy's, a sign-in's
  | 'format' // another format, or an extension of it that we don't read
  | 'truncated' // its end is missing
  | 'damaged' // contradicts itself
  | 'empty' // nothing to see in it
  | 'too_large' // larger than we dare to hold, packed or unpacked
  | 'unsafe' // names that lead out of the archive, addresses that lead elsewhere
  | 'incomplete' // an archive without a model
  | 'refused' // the storage does not give it out
  | 'gone' // the task has it no more

export class ModelError extends Error {
  override name = 'ModelError'
  constructor(readonly failure: ModelFailure, detail = '', options?: ErrorOptions) {
    super(`${failure}${detail && `: ${detail}`}`, options)
  }
}

/** What a reader threw. Readers of damaged files fail in all sorts of ways: out of range, not a number, no such property. */
export function asModelError(thrown: unknown): ModelError {
  return thrown instanceof ModelError ? thrown : new ModelError('damaged', String(thrown), { cause: thrown })
}
