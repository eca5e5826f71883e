// @vitest-environment node
import { strToU8, zipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { hugePng, objZip } from '@/testing/viewer/models'
import { ModelError } from './failure'
import { readObjArchive } from './objArchive'

const failure = (bytes: Uint8Array) => {
  try {
    readObjArchive(bytes)
  } catch (thrown) {
    if (thrown instanceof ModelError) return thrown.failure
    throw thrown
  }
  return null
}

describe('readObjArchive', () => {
  it.each(['model', 'tmpx1', '青花瓷 壶'])('reads parts, material and texture under the stem %s', (stem) => {
    const { parts, materials, images } = readObjArchive(objZip({ stem }))
    expect(parts.map(({ index, invented }) => [index.length / 3, invented])).toEqual([[1, false], [3, true]])
    expect(materials.get('skin')).toEqual({ color: [1, 1, 1], image: `${stem}.png` })
    expect([...images.keys()]).toEqual([`${stem}.png`])
  })

  it('finds files that were renamed after the OBJ was written, or name the path of another machine', () => {
    const { images } = readObjArchive(zipSync({
      'x.obj': strToU8('mtllib /tmp/old.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nusemtl a\nf 1 2 3'),
      'x.mtl': strToU8('newmtl a\nmap_Kd C:\\work\\Old.PNG'),
      'old.png': new Uint8Array([1]),
    }))
    expect([...images.values()]).toEqual([new Uint8Array([1])])
  })

  it('does without material and texture', () => {
    const { parts, materials } = readObjArchive(zipSync({ 'a.obj': strToU8('v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3') }))
    expect(parts).toHaveLength(1)
    expect(materials.size).toBe(0)
  })

  it.each([
    ['page', strToU8('<!doctype html><title>Sign in</title>')],
    ['format', strToU8('solid teapot')],
    ['truncated', new Uint8Array()],
    ['truncated', objZip().slice(0, 200)],
    ['incomplete', zipSync({ 'readme.txt': strToU8('hello') })],
    ['empty', zipSync({ 'a.obj': strToU8('# nothing') })],
    ['damaged', zipSync({ 'a.obj': strToU8('v 0 0 0\nf 1 2 3') })],
    ['damaged', zipSync({ 'a.obj': strToU8('v 0 zero 0') })],
    ['unsafe', objZip({ extra: { '../../evil.js': strToU8('') } })],
    ['too_large', objZip({ extra: { 'model.png': hugePng(60000, 60000) } })],
  ])('answers %s to what is no such archive', (expected, bytes) => {
    expect(failure(bytes)).toBe(expected)
  })
})
