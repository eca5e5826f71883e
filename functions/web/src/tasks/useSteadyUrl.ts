import { shallowRef, toValue, watch, type MaybeRefOrGetter, type ShallowRef } from 'vue'

export interface Signed {
  /** What the URL leads to, however it is signed: a checksum, or an id. */
  identity: string
  url: string
}

export type Renew = () => Promise<string | null | undefined>

export interface SteadyUrl {
  url: ShallowRef<string>
  stage: ShallowRef<'loading' | 'shown' | 'broken'>
  onLoad(): void
  onError(): Promise<void>
}

/**
 * A presigned URL for an image that stays as it is while fresh ones of the same file keep coming: another URL would load the image again.
 * Where it does not load, for it may have run out, a fresh one is asked for once.
 */
export function useSteadyUrl(source: MaybeRefOrGetter<Signed>, renew: Renew): SteadyUrl {
  const url = shallowRef(toValue(source).url)
  const stage = shallowRef<'loading' | 'shown' | 'broken'>('loading')
  let renewed = false

  function begin(to: string): void {
    url.value = to
    stage.value = 'loading'
  }

  watch(() => toValue(source).identity, () => {
    renewed = false
    begin(toValue(source).url)
  })
  watch(() => toValue(source).url, (fresh) => { if (stage.value === 'broken') begin(fresh) })

  async function onError(): Promise<void> {
    const failed = url.value
    if (!renewed) {
      renewed = true
      const fresh = await renew().catch(() => null) // no URL, no image: `broken` says it
      if (url.value !== failed) return
      if (fresh && fresh !== failed) return begin(fresh)
    }
    stage.value = 'broken'
  }

  return { url, stage, onLoad: () => { stage.value = 'shown' }, onError }
}
