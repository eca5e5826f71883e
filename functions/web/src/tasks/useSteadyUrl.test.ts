import { describe, expect, it, vi } from 'vitest'
import { nextTick, ref } from 'vue'
import { useSteadyUrl } from './useSteadyUrl'

function setUp(renew = vi.fn(async (): Promise<string | null> => 'fresh')) {
  const source = ref({ identity: 'sha', url: 'one' })
  return { source, renew, ...useSteadyUrl(source, renew) }
}

describe('useSteadyUrl', () => {
  it('keeps its URL while fresher ones of the same file come', async () => {
    const { source, url, stage, onLoad } = setUp()
    onLoad()
    source.value = { identity: 'sha', url: 'two' }
    await nextTick()
    expect([url.value, stage.value]).toEqual(['one', 'shown'])
  })

  it('begins anew with another file', async () => {
    const { source, url, stage, onLoad } = setUp()
    onLoad()
    source.value = { identity: 'other', url: 'two' }
    await nextTick()
    expect([url.value, stage.value]).toEqual(['two', 'loading'])
  })

  it('asks once for a fresh URL where one has run out', async () => {
    const { url, stage, onError, renew } = setUp()
    await onError()
    expect([url.value, stage.value]).toEqual(['fresh', 'loading'])
    await onError()
    expect(stage.value).toBe('broken')
    expect(renew).toHaveBeenCalledTimes(1)
  })

  it('is broken where there is no other, until one comes', async () => {
    const { source, url, stage, onError } = setUp(vi.fn().mockRejectedValue(new Error('away')))
    await onError()
    expect(stage.value).toBe('broken')
    source.value = { identity: 'sha', url: 'two' }
    await nextTick()
    expect([url.value, stage.value]).toEqual(['two', 'loading'])
  })

  it('forgets an answer that comes too late', async () => {
    let answer: (url: string) => void = () => {}
    const { source, url, onError } = setUp(vi.fn(() => new Promise<string>((resolve) => { answer = resolve })))
    const asked = onError()
    source.value = { identity: 'other', url: 'two' }
    await nextTick()
    answer('late')
    await asked
    expect(url.value).toBe('two')
  })
})
