// @vitest-environment node
import { describe, expect, it } from 'vitest'
import en from '@/i18n/en/viewer'
import { figuresOf } from './figures'

/** Looks keys up as vue-i18n does. */
const t = ((key: string, named: Record<string, unknown> = {}) => {
  const text = key.split('.').slice(1).reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], en) as string
  return text.replace(/\{(\w+)\}/g, (_, name) => String(named[name]))
}) as Parameters<typeof figuresOf>[1]

const words = (report: Parameters<typeof figuresOf>[0], locale = 'en') =>
  Object.fromEntries(figuresOf(report, t, locale).map(({ key, value, hint }) => [key, hint ? `${value} (${hint})` : value]))

describe('figuresOf', () => {
  it('puts a report into words', () => {
    expect(words({ engine: 'silhouette', version: '2', profile: 'soft_box', faces: 19988, watertight: true, silhouetteIoU: 0.9956, inventedShare: 0.4973, seconds: 6.0347 }))
      .toEqual({
        faces: '19,988',
        closed: 'Closed (Watertight: ready for printing)',
        outline: '99.6% (Overlap of the two silhouettes)',
        invented: '50% (Surface that the photo does not show)',
        seconds: '6 s',
        engine: 'silhouette 2 (Taken for a rounded box)',
      })
  })

  it('says nothing of what the engine does not say, and shows what it calls by a name of its own', () => {
    expect(words({ engine: 'crm', profile: 'constructor', watertight: false }))
      .toEqual({ closed: 'Open (Has holes: repair before printing)', engine: 'crm (Taken for constructor)' })
  })
})
