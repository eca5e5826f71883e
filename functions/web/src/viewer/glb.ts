import { ModelError } from './failure'
import { checkImage } from './imageSize'
import { expect } from './sniff'

/** Extensions whose decoders we don't ship. */
const UNREADABLE = ['KHR_draco_mesh_compression', 'EXT_meshopt_compression', 'KHR_meshopt_compression', 'KHR_texture_basisu']

/** Numbers in all accessors; a sparse accessor allocates what it claims without having the bytes. */
const VALUES = 60e6

interface Gltf {
  extensionsRequired?: string[]
  accessors?: { count?: number }[]
  bufferViews?: { buffer?: number, byteOffset?: number, byteLength?: number }[]
  buffers?: { uri?: string, byteLength?: number }[]
  images?: { uri?: string, bufferView?: number }[]
  meshes?: unknown[]
}

/** Refuses what GLTFLoader would choke on, fetch from elsewhere, or take the tab's memory for. Throws a ModelError. */
export function checkGlb(bytes: Uint8Array): void {
  expect('glb', bytes)
  if (bytes.length < 20) throw new ModelError('truncated')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(4, true) !== 2) throw new ModelError('format', `glTF ${view.getUint32(4, true)}`)
  if (view.getUint32(8, true) > bytes.length) throw new ModelError('truncated')

  const jsonLength = view.getUint32(12, true)
  if (view.getUint32(16, true) !== 0x4e4f534a || 20 + jsonLength > bytes.length) throw new ModelError('damaged', 'no JSON chunk')
  const gltf = json(bytes.subarray(20, 20 + jsonLength))
  const binary = bytes.subarray(28 + jsonLength)

  const unreadable = gltf.extensionsRequired?.find(name => UNREADABLE.includes(name))
  if (unreadable) throw new ModelError('format', unreadable)
  for (const { uri } of [...gltf.buffers ?? [], ...gltf.images ?? []]) {
    if (uri !== undefined && !uri.startsWith('data:')) throw new ModelError('unsafe', 'a file elsewhere')
  }
  if ((gltf.accessors ?? []).reduce((sum, { count }) => sum + (count ?? 0), 0) > VALUES) throw new ModelError('too_large', 'accessors')
  for (const { byteOffset = 0, byteLength = 0, buffer } of gltf.bufferViews ?? []) {
    if (buffer === 0 && !gltf.buffers?.[0]?.uri && byteOffset + byteLength > binary.length) throw new ModelError('truncated', 'a view beyond the end')
  }
  for (const { bufferView } of gltf.images ?? []) {
    const { byteOffset = 0, byteLength = 0 } = gltf.bufferViews?.[bufferView ?? -1] ?? {}
    checkImage(binary.subarray(byteOffset, byteOffset + byteLength))
  }
  if (!gltf.meshes?.length) throw new ModelError('empty')
}

function json(bytes: Uint8Array): Gltf {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes))
    if (typeof value === 'object' && value !== null) return value
  } catch (cause) {
    throw new ModelError('damaged', 'its JSON', { cause })
  }
  throw new ModelError('damaged', 'its JSON')
}
