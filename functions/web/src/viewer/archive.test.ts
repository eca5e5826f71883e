// @vitest-environment node
import { zipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { leadsOut, limits, unpack } from './archive'
import { ModelError } from './failure'

const all = () => true
const refusal = (bytes: Uint8Array) => {
  try {
    unpack(bytes, all)
  } catch (thrown) {
    if (thrown instanceof ModelError) return thrown.failure
    throw thrown
  }
  return null
}
const text = new TextEncoder().encode('v 0 0 0\n'.repeat(50))

describe('unpack', () => {
  it('gives the files that are wanted', () => {
    const files = unpack(zipSync({ 'a.obj': text, 'b/readme.txt': text }), name => name.endsWith('.obj'))
    expect([...files.keys()]).toEqual(['a.obj'])
    expect(files.get('a.obj')).toEqual(text)
  })

  it.each(['../a.obj', 'b/../../a.obj', '/etc/passwd', 'C:\\a.obj', 'b\\a.obj', 'b/..'])('refuses the name %s, wanted or not', (name) => {
    expect(refusal(zipSync({ 'model.obj': text, [name]: text }))).toBe('unsafe')
  })

  it('takes dots that lead nowhere', () => {
    expect(['a..b.obj', '.hidden', './a.obj', '...'].filter(leadsOut)).toEqual([])
  })

  it('refuses a bomb by its ratio', () => {
    expect(refusal(zipSync({ 'a.obj': new Uint8Array(4 * 2 ** 20) }, { level: 9 }))).toBe('too_large')
  })

  it('takes a small file of one value', () => {
    expect(refusal(zipSync({ 'a.png': new Uint8Array(2 ** 20) }, { level: 9 }))).toBeNull()
  })

  it('refuses a file that claims more than all may have', () => {
    const zip = zipSync({ 'a.obj': text })
    state(zip, limits.unpacked + 1)
    expect(refusal(zip)).toBe('too_large')
  })

  it('never unpacks more than a file has stated', () => {
    const zip = zipSync({ 'a.obj': text })
    state(zip, 8)
    expect(unpack(zip, all).get('a.obj')?.length).toBe(8)
  })

  it('refuses too many files', () => {
    expect(refusal(zipSync(Object.fromEntries(Array.from({ length: limits.entries + 1 }, (_, i) => [`${i}`, text]))))).toBe('too_large')
  })

  it('says where the end is missing', () => {
    const zip = zipSync({ 'a.obj': text })
    expect(refusal(zip.slice(0, zip.length / 2))).toBe('truncated')
  })

  it('says where the middle is damaged', () => {
    const zip = zipSync({ 'a.obj': text })
    zip.fill(0xff, 30 + 'a.obj'.length, 50)
    expect(refusal(zip)).toBe('damaged')
  })
})

/** Writes another unpacked size into the only entry of the central directory. */
function state(zip: Uint8Array, size: number): void {
  const view = new DataView(zip.buffer, zip.byteOffset)
  let at = zip.length
  while (view.getUint32(--at - 3, true) !== 0x02014b50);
  view.setUint32(at - 3 + 24, size, true)
}
