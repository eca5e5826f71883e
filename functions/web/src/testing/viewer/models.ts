import { strToU8, zipSync } from 'fflate'

/** Four pixels in four colours. */
const PNG = Uint8Array.from(atob(
  'iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR4nGO4E6Dx4UQAg01PlEbUAgAq8gWhOlGN3wAAAABJRU5ErkJggg==',
), char => char.charCodeAt(0))

const CORNERS = [[-1, -1, 1], [1, -1, 1], [0, 1, 0], [0, -1, -1]] as const
const FACES = [[0, 1, 2], [1, 3, 2], [3, 0, 2], [0, 3, 1]] as const

/** A tetrahedron as an archive: one face seen, three invented. */
export function objZip({ stem = 'model', extra = {} as Record<string, Uint8Array> } = {}): Uint8Array<ArrayBuffer> {
  const obj = [
    `mtllib ${stem}.mtl`,
    ...CORNERS.map(corner => `v ${corner.join(' ')}`),
    'vt 0 0', 'vt 1 0', 'vt 0.5 1',
    'usemtl skin', 'g seen', face(FACES[0]), 'g invented', ...FACES.slice(1).map(face),
  ].join('\n')
  const mtl = `newmtl skin\nKd 1 1 1\nmap_Kd ${stem}.png\n`
  return zipSync({ [`${stem}.obj`]: strToU8(obj), [`${stem}.mtl`]: strToU8(mtl), [`${stem}.png`]: PNG, ...extra })
}

function face(corners: readonly number[]): string {
  return `f ${corners.map((corner, i) => `${corner + 1}/${i + 1}`).join(' ')}`
}

/** The same as GLB, as the silhouette engine lays it out. `change` has a go at its JSON. */
export function glb(
  change: (gltf: ReturnType<typeof layout>) => object = gltf => gltf, texture: Uint8Array = PNG,
): Uint8Array<ArrayBuffer> {
  const positions = new Float32Array(FACES.flatMap(face => face.flatMap(corner => CORNERS[corner]!)))
  const uvs = new Float32Array(FACES.flatMap(() => [0, 0, 1, 0, 0.5, 1]))
  const binary = padded(new Uint8Array([...new Uint8Array(positions.buffer), ...new Uint8Array(uvs.buffer), ...texture]), 0)
  const json = padded(strToU8(JSON.stringify(change(layout(positions.byteLength, uvs.byteLength, texture.length, binary.length)))), 0x20)
  const file = new Uint8Array(28 + json.length + binary.length)
  const view = new DataView(file.buffer)
  const words = [0x46546c67, 2, file.length, json.length, 0x4e4f534a]
  words.forEach((word, i) => view.setUint32(i * 4, word, true))
  file.set(json, 20)
  view.setUint32(20 + json.length, binary.length, true)
  view.setUint32(24 + json.length, 0x004e4942, true)
  file.set(binary, 28 + json.length)
  return file
}

function layout(positions: number, uvs: number, texture: number, binary: number) {
  const skin = { pbrMetallicRoughness: { baseColorTexture: { index: 0 }, metallicFactor: 0 } }
  // Each primitive reads its faces out of the same views: one face, then three.
  const primitive = (material: number) => ({ attributes: { POSITION: material * 2, TEXCOORD_0: material * 2 + 1 }, material })
  const accessors = [[0, 3], [3, 9]].flatMap(([first = 0, count]) => [
    { bufferView: 0, byteOffset: first * 12, componentType: 5126, count, type: 'VEC3', min: [-1, -1, -1], max: [1, 1, 1] },
    { bufferView: 1, byteOffset: first * 8, componentType: 5126, count, type: 'VEC2' },
  ])
  return {
    asset: { version: '2.0' },
    scene: 0, scenes: [{ nodes: [0] }], nodes: [{ mesh: 0 }],
    meshes: [{ primitives: [primitive(0), primitive(1)] }],
    materials: [{ name: 'seen', ...skin }, { name: 'invented', ...skin, extras: { invented: true } }],
    textures: [{ source: 0 }],
    images: [{ mimeType: 'image/png', bufferView: 2 }] as object[],
    accessors: accessors as object[],
    bufferViews: [
      { buffer: 0, byteOffset: 0, byteLength: positions },
      { buffer: 0, byteOffset: positions, byteLength: uvs },
      { buffer: 0, byteOffset: positions + uvs, byteLength: texture },
    ],
    buffers: [{ byteLength: binary }] as object[],
    extensionsRequired: undefined as string[] | undefined,
  }
}

function padded(bytes: Uint8Array, fill: number): Uint8Array {
  const whole = new Uint8Array(Math.ceil(bytes.length / 4) * 4).fill(fill)
  whole.set(bytes)
  return whole
}

/** The head of a PNG that claims a size, and nothing after it. */
export function hugePng(width: number, height: number): Uint8Array {
  const bytes = PNG.slice(0, 33)
  const view = new DataView(bytes.buffer)
  view.setUint32(16, width)
  view.setUint32(20, height)
  return bytes
}
