import { onScopeDispose, shallowReactive, shallowRef } from 'vue'
import { isAbort } from '@/api/problem'
import { usePictures } from '@/stores/pictures'
import type { Size } from './fit'
import { inspect, refusal, type Facts, type Refusal } from './inspect'
import { shrink, type Shrink } from './shrink'

/** `serverTooLarge`: what the header does not say, the server finds. */
export type Reason = Refusal | 'serverTooLarge' | 'cannotShrink'

/** Those that making the picture anew, smaller, helps against. */
export const shrinkable: ReadonlySet<Reason> = new Set(['foreign', 'tooLarge', 'tooManyPixels', 'serverTooLarge'])

/** A file that can't be sent as it is, and waits for a person's word. */
export interface Held {
  key: number
  file: File
  refusal: Reason
  facts: Facts
  shrinking: boolean
}

export interface IntakeOptions {
  onRefused?(held: Held): void
  onShrunk?(file: File, size: Size): void
  shrink?: Shrink
}

let keys = 0

/** The way of files into the gallery: looked into, then uploaded, or held back with a reason. */
export function useIntake({ onRefused, onShrunk, shrink: act = shrink }: IntakeOptions = {}) {
  const pictures = usePictures()
  const held = shallowRef<Held[]>([])
  const stops = new Map<number, AbortController>()

  async function take(files: readonly File[]): Promise<void> {
    for (const file of files) {
      const facts = await inspect(file).catch((): null => null)
      const why = facts ? refusal(file.size, facts) : 'unreadable'
      if (facts && !why) pictures.upload(typed(file, facts.type as string))
      else hold(file, why ?? 'unreadable', facts ?? { type: null })
    }
  }

  function hold(file: File, why: Reason, facts: Facts): Held {
    const entry: Held = shallowReactive({ key: ++keys, file, refusal: why, facts, shrinking: false })
    held.value = [entry, ...held.value]
    if (why !== 'serverTooLarge') onRefused?.(entry) // that has been said already
    return entry
  }

  /** For what the server has refused to take as large as it is. */
  async function takeSmaller(file: File): Promise<void> {
    const facts = await inspect(file).catch((): Facts => ({ type: null }))
    await shrinkHeld(hold(file, 'serverTooLarge', facts).key)
  }

  /** Makes a held picture anew and uploads it. */
  async function shrinkHeld(key: number): Promise<void> {
    const entry = held.value.find(one => one.key === key)
    if (!entry || entry.shrinking || !shrinkable.has(entry.refusal)) return
    const stop = new AbortController()
    stops.set(key, stop)
    entry.shrinking = true
    try {
      const type = entry.facts.type ?? ''
      const { file, ...size } = await act(typed(entry.file, type), stop.signal)
      letGo(key)
      pictures.upload(file)
      onShrunk?.(file, size)
    } catch (thrown) {
      if (isAbort(thrown)) return
      entry.refusal = 'cannotShrink'
      onRefused?.(entry)
    } finally {
      entry.shrinking = false
      stops.delete(key)
    }
  }

  /** Forgets a held file, and stops work on it. */
  function letGo(key: number): void {
    stops.get(key)?.abort()
    held.value = held.value.filter(one => one.key !== key)
  }

  onScopeDispose(() => stops.forEach(stop => stop.abort()))

  return { held, take, takeSmaller, shrinkHeld, letGo }
}

/** With the type that its bytes say: names lie, and a pasted file may have none. */
function typed(file: File, type: string): File {
  return file.type === type ? file : new File([file], file.name, { type: type === 'foreign' ? file.type : type, lastModified: file.lastModified })
}
