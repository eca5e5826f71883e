import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Problem } from './problem'
import { backoff, retrying } from './retry'

beforeEach(() => { vi.useFakeTimers() })
afterEach(() => { vi.useRealTimers() })

const away = new Problem('unavailable', { status: 503 })

describe('retrying', () => {
  it('does it again until it succeeds', async () => {
    const act = vi.fn().mockRejectedValueOnce(away).mockRejectedValueOnce(new Problem('unreachable')).mockResolvedValue('done')
    const result = retrying(act)
    await vi.runAllTimersAsync()
    expect(await result).toBe('done')
    expect(act).toHaveBeenCalledTimes(3)
  })

  it('gives up in the end, with the last problem', async () => {
    const act = vi.fn().mockRejectedValue(away)
    const result = expect(retrying(act, { tries: 3 })).rejects.toBe(away)
    await vi.runAllTimersAsync()
    await result
    expect(act).toHaveBeenCalledTimes(3)
  })

  it.each([
    ['what will not pass', new Problem('picture_not_found')],
    ['a fault of the program', new TypeError('x')],
    ['an abort', new DOMException('aborted', 'AbortError')],
    ['a longer wait than a person would sit out', new Problem('rate_limited', { retryAfter: 60 })],
  ])('does not repeat %s', async (_, error) => {
    const act = vi.fn().mockRejectedValue(error)
    await expect(retrying(act)).rejects.toBe(error)
    expect(act).toHaveBeenCalledTimes(1)
  })

  it('waits as long as the server asks', async () => {
    const act = vi.fn().mockRejectedValueOnce(new Problem('rate_limited', { retryAfter: 5 })).mockResolvedValue(1)
    const result = retrying(act)
    await vi.advanceTimersByTimeAsync(4_999)
    expect(act).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(await result).toBe(1)
  })

  it('stops waiting when the caller gives up', async () => {
    const stop = new AbortController()
    const act = vi.fn().mockRejectedValue(away)
    const result = retrying(act, { signal: stop.signal }).catch(error => error.name)
    await vi.advanceTimersByTimeAsync(1)
    stop.abort()
    expect(await result).toBe('AbortError')
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('backoff', () => {
  it('doubles up to 30 s, between half and whole', () => {
    expect([1, 2, 3, 9].map(failures => [backoff(failures, 0, 0), backoff(failures, 0, 1)])).toEqual([
      [500, 1000], [1000, 2000], [2000, 4000], [15_000, 30_000],
    ])
  })

  it('is never shorter than asked', () => {
    expect(backoff(1, 12, 0)).toBe(12_000)
  })
})
