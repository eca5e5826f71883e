// @vitest-environment node
import { describe, expect, it } from 'vitest'
import type { TaskResult } from '@/api/schema'
import { moveOf } from './keys'
import { parseReport } from './report'
import { pictureIn, sourceIn } from './source'

const results = (...names: string[]) => names.map(name => ({ name, sha256: name })) as TaskResult[]

describe('sourceIn', () => {
  it.each([
    [['output3d.zip', 'model.glb'], 'model.glb'],
    [['thumbnail.png', 'anything.ZIP'], 'anything.ZIP'],
    [['model.stl', 'model.usdz'], undefined],
  ])('of %j shows %s', (names, expected) => {
    expect(sourceIn(results(...names))?.name).toBe(expected)
  })
})

describe('pictureIn', () => {
  it('shows no motion to who wants none', () => {
    const both = results('thumbnail.png', 'turntable.webp')
    expect([pictureIn(both, false)?.name, pictureIn(both, true)?.name]).toEqual(['turntable.webp', 'thumbnail.png'])
    expect(pictureIn(results('turntable.webp'), true)?.name).toBe('turntable.webp')
  })
})

describe('moveOf', () => {
  const press = (key: string, held = {}) => moveOf({ key, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, ...held })

  it('turns, moves, zooms and goes back', () => {
    expect(press('ArrowLeft')).toMatchObject({ kind: 'orbit', up: 0 })
    expect(press('ArrowUp', { shiftKey: true })).toMatchObject({ kind: 'pan', right: 0 })
    expect(press('+')).toMatchObject({ kind: 'zoom' })
    expect(press('0')).toEqual({ kind: 'reset' })
  })

  it('undoes by the opposite key', () => {
    const [nearer, farther] = [press('='), press('-')]
    expect(nearer?.kind === 'zoom' && farther?.kind === 'zoom' && nearer.by * farther.by).toBeCloseTo(1)
  })

  it('leaves to the browser what is its own', () => {
    expect([press('+', { ctrlKey: true }), press('ArrowLeft', { altKey: true }), press('Tab'), press('a')]).toEqual([null, null, null, null])
  })
})

describe('parseReport', () => {
  it('takes what is right and leaves the rest', () => {
    expect(parseReport(JSON.stringify({
      engine: 'silhouette', version: 2, faces: 19988, watertight: 'yes', silhouetteIoU: 0.99, inventedShare: 1.5, seconds: { total: 6.03 },
    }))).toEqual({ engine: 'silhouette', faces: 19988, silhouetteIoU: 0.99, seconds: 6.03 })
  })

  it.each(['[]', 'null', '<html>'])('throws at %s', (text) => {
    expect(() => parseReport(text)).toThrow()
  })
})
