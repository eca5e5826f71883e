import { unzipSync, type UnzipFileInfo } from 'fflate'
import { asModelError, ModelError } from './failure'

/** Far beyond what an engine makes (12 MB for 100,000 faces), far below what a tab survives. */
export const limits = { entries: 64, unpacked: 256 * 2 ** 20, ratio: 200 }

/** Below this many bytes a high ratio harms nobody, and an image of one colour reaches it. */
const SMALL = 2 ** 20

/** The files of a zip that `wanted` names. Everything is refused before anything is unpacked. */
export function unpack(bytes: Uint8Array, wanted: (name: string) => boolean): Map<string, Uint8Array> {
  const listed: UnzipFileInfo[] = []
  try {
    unzipSync(bytes, { filter: (file) => { check(file, listed.push(file)); return false } })
    if (sum(listed.map(file => file.originalSize)) > limits.unpacked) throw new ModelError('too_large', 'all files together')
    const names = new Set(listed.map(file => file.name).filter(wanted))
    // Each is unpacked into a buffer of the stated size, so that one that lies about it can't grow beyond.
    return new Map(Object.entries(unzipSync(bytes, { filter: file => names.has(file.name) })))
  } catch (thrown) {
    if (isCutOff(thrown)) throw new ModelError('truncated', 'no central directory', { cause: thrown })
    throw asModelError(thrown)
  }
}

function check({ name, size, originalSize }: UnzipFileInfo, count: number): void {
  if (count > limits.entries) throw new ModelError('too_large', 'too many files')
  if (leadsOut(name)) throw new ModelError('unsafe', name)
  if (originalSize > limits.unpacked || (originalSize > SMALL && originalSize > limits.ratio * size)) throw new ModelError('too_large', name)
}

/** Absolute, with a drive, with backslashes, or upwards: no program that means well writes these. */
export function leadsOut(name: string): boolean {
  return /^(?:\/|[a-z]:)|[\\\x00]|(?:^|\/)\.\.(?:\/|$)/i.test(name)
}

/** fflate's code for a zip whose directory, which stands at its end, is not there. */
function isCutOff(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 13
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
