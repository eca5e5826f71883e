import { beforeAll, describe, expect, it } from 'vitest'
import { setLanguage, translate } from '@/i18n'
import { duration, estimate, fileSize, relative } from './measures'

beforeAll(() => setLanguage('en'))

describe('duration', () => {
  it.each([[-3, '0 s'], [48.9, '48 s'], [60, '1 min 0 s'], [185, '3 min 5 s'], [4800, '1 h 20 min']])('%d s is %s', (seconds, words) => {
    expect(duration(seconds, translate)).toBe(words)
  })
})

describe('estimate', () => {
  it.each([[0.4, 5], [13, 15], [58, 60], [96, 90], [400, 420]])('%d s is about %d', (seconds, about) => {
    expect(estimate(seconds)).toBe(about)
  })
})

describe('relative', () => {
  const now = Date.parse('2026-01-15T08:30:00.000Z')
  const ago = (seconds: number) => new Date(now - seconds * 1000).toISOString()
  it.each([
    [-40, 'just now'], [9, 'just now'], [59, '59 seconds ago'], [60, '1 minute ago'], [7199, '1 hour ago'], [86_400, 'yesterday'], [6 * 86_400, '6 days ago'],
    [8 * 86_400, 'Jan 7, 2026'],
  ])('%d s ago', (seconds, words) => {
    expect(relative(ago(seconds), now, 'en', translate)).toBe(words)
  })
  it('speaks Chinese', () => {
    expect(relative(ago(180), now, 'zh-CN', translate)).toBe('3分钟前')
  })
})

describe('fileSize', () => {
  it.each([[0, '0 kB'], [900, '0.9 kB'], [523_114, '523 kB'], [999_600, '1 MB'], [1_874_511, '1.9 MB'], [41_300_000, '41 MB']])('%d bytes', (bytes, words) => {
    expect(fileSize(bytes, 'en')).toBe(words)
  })
})
