// @vitest-environment node
import { describe, expect, it } from 'vitest'
import { glb, hugePng } from '@/testing/viewer/models'
import { ModelError } from './failure'
import { checkGlb } from './glb'

const failure = (bytes: Uint8Array) => {
  try {
    checkGlb(bytes)
  } catch (thrown) {
    if (thrown instanceof ModelError) return thrown.failure
    throw thrown
  }
  return null
}

const text = (words: string) => new TextEncoder().encode(words)

function edited(at: number, word: number): Uint8Array {
  const bytes = glb()
  new DataView(bytes.buffer).setUint32(at, word, true)
  return bytes
}

describe('checkGlb', () => {
  it('takes what our engine makes', () => {
    expect(failure(glb())).toBeNull()
  })

  it.each([
    ['page', text('\n<!DOCTYPE html><html></html>')],
    ['page', text('<html><body>502</body></html>')],
    ['format', text('{"asset":{"version":"2.0"}}')],
    ['format', text('solid cube')],
    ['format', edited(4, 1)],
    ['format', glb(gltf => ({ ...gltf, extensionsRequired: ['KHR_draco_mesh_compression'] }))],
    ['truncated', new Uint8Array()],
    ['truncated', glb().slice(0, 12)],
    ['truncated', glb().slice(0, -40)],
    ['damaged', edited(12, 0xffffff)],
    ['damaged', edited(20, 0x21212121)],
    ['empty', glb(gltf => ({ ...gltf, meshes: [] }))],
    ['unsafe', glb(gltf => ({ ...gltf, buffers: [{ uri: 'https://elsewhere.example/a.bin', byteLength: 9 }] }))],
    ['unsafe', glb(gltf => ({ ...gltf, images: [{ uri: '../a.png' }] }))],
    ['too_large', glb(gltf => ({ ...gltf, accessors: [{ count: 4e9, componentType: 5126, type: 'VEC3' }] }))],
    ['too_large', glb(undefined, hugePng(60000, 60000))],
  ])('answers %s', (expected, bytes) => {
    expect(failure(bytes)).toBe(expected)
  })

  it('sees a view that ends beyond the file, though the header lies about its length', () => {
    const bytes = glb().slice(0, -40)
    new DataView(bytes.buffer).setUint32(8, bytes.length, true)
    expect(failure(bytes)).toBe('truncated')
  })
})
