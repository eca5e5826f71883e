import { strToU8, zipSync } from 'fflate'
import { png } from './png.js'

/** 100,000 triangles, and a texture as large as the engine's own. */
const LARGE = { rows: 200, columns: 250, side: 1024 }
/** What the engine makes of most photos: a file of some 700 kB. */
export const USUAL = { rows: 60, columns: 100, side: 384 }

const STEM = 'model'

/** A knobbly ball with a noisy texture, in the two files in which an engine hands over a model. */
export function models({ rows, columns, side } = LARGE) {
  const ball = knobbly(rows, columns)
  const texture = png(side, side, (x, y) => {
    const grain = (Math.imul(x * 374761393 + y * 668265263, 1274126177) >>> 24) / 8
    return [150 + 90 * Math.sin(x / 60) + grain, 130 + 80 * Math.cos(y / 45) + grain, 110 + grain]
  })
  return { 'model.glb': glb(ball, texture), 'output3d.zip': objZip(ball, texture), 'faces': ball.index.length / 3 }
}

function knobbly(rows, columns) {
  const count = (rows + 1) * (columns + 1)
  const [positions, uvs, index] = [new Float32Array(count * 3), new Float32Array(count * 2), new Uint32Array(rows * columns * 6)]
  for (let row = 0, at = 0; row <= rows; row++) {
    for (let column = 0; column <= columns; column++, at++) {
      const [down, round] = [Math.PI * row / rows, 2 * Math.PI * column / columns]
      const radius = 0.8 + 0.1 * Math.sin(7 * down) * Math.cos(9 * round) + 0.02 * Math.sin(61 * down + 47 * round)
      positions.set([radius * Math.sin(down) * Math.cos(round), radius * Math.cos(down), radius * Math.sin(down) * Math.sin(round)], at * 3)
      uvs.set([column / columns, row / rows], at * 2)
    }
  }
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, at += 6) {
      const [a, b] = [row * (columns + 1) + column, (row + 1) * (columns + 1) + column]
      index.set([a, a + 1, b, b, a + 1, b + 1], at)
    }
  }
  return { positions, uvs, index }
}

/** As the engine lays it out: two meshes of materials `seen` and `invented`, without normals. */
function glb({ positions, uvs, index }, texture) {
  const parts = [positions, uvs, index, texture].map(part => new Uint8Array(part.buffer, part.byteOffset, part.byteLength))
  const offsets = parts.map((_, i) => parts.slice(0, i).reduce((sum, part) => sum + padded(part.length), 0))
  const binary = new Uint8Array(offsets.at(-1) + padded(texture.length))
  parts.forEach((part, i) => binary.set(part, offsets[i]))

  const [seen, all] = [index.length / 2, index.length]
  const extent = list => [Math.min, Math.max].map(pick => [0, 1, 2].map(axis => list.reduce((best, value, i) => i % 3 === axis ? pick(best, value) : best, list[axis])))
  const [min, max] = extent(positions)
  const skin = { pbrMetallicRoughness: { baseColorTexture: { index: 0 }, metallicFactor: 0, roughnessFactor: 1 } }
  const primitive = material => ({ attributes: { POSITION: 0, TEXCOORD_0: 1 }, indices: 2 + material, material })
  const json = strToU8(JSON.stringify({
    asset: { version: '2.0' },
    scene: 0, scenes: [{ nodes: [0] }], nodes: [{ mesh: 0 }],
    meshes: [{ primitives: [primitive(0), primitive(1)] }],
    materials: [{ name: 'seen', ...skin }, { name: 'invented', ...skin, extras: { invented: true } }],
    textures: [{ source: 0 }],
    images: [{ mimeType: 'image/png', bufferView: 3 }],
    accessors: [
      { bufferView: 0, componentType: 5126, count: positions.length / 3, type: 'VEC3', min, max },
      { bufferView: 1, componentType: 5126, count: uvs.length / 2, type: 'VEC2' },
      { bufferView: 2, componentType: 5125, count: seen, type: 'SCALAR' },
      { bufferView: 2, byteOffset: seen * 4, componentType: 5125, count: all - seen, type: 'SCALAR' },
    ],
    bufferViews: parts.map((part, i) => ({ buffer: 0, byteOffset: offsets[i], byteLength: part.length })),
    buffers: [{ byteLength: binary.length }],
  }))
  const file = new Uint8Array(28 + padded(json.length) + binary.length).fill(0x20)
  const view = new DataView(file.buffer)
  const words = [0x46546c67, 2, file.length, padded(json.length), 0x4e4f534a]
  words.forEach((word, i) => view.setUint32(i * 4, word, true))
  file.set(json, 20)
  view.setUint32(20 + padded(json.length), binary.length, true)
  view.setUint32(24 + padded(json.length), 0x004e4942, true)
  file.set(binary, 28 + padded(json.length))
  return file
}

function objZip({ positions, uvs, index }, texture) {
  const lines = [`mtllib ${STEM}.mtl`]
  for (let i = 0; i < positions.length; i += 3) lines.push(`v ${positions.slice(i, i + 3).join(' ')}`)
  for (let i = 0; i < uvs.length; i += 2) lines.push(`vt ${uvs.slice(i, i + 2).join(' ')}`)
  lines.push('usemtl skin')
  for (let i = 0; i < index.length; i += 3) {
    if (i === 0) lines.push('g seen')
    if (i === index.length / 2) lines.push('g invented')
    lines.push(`f ${Array.from(index.slice(i, i + 3), corner => `${corner + 1}/${corner + 1}`).join(' ')}`)
  }
  const mtl = `newmtl skin\nKd 1 1 1\nmap_Kd ${STEM}.png\n`
  return zipSync({ [`${STEM}.obj`]: strToU8(lines.join('\n')), [`${STEM}.mtl`]: strToU8(mtl), [`${STEM}.png`]: [texture, { level: 0 }] }, { level: 6 })
}

const padded = length => Math.ceil(length / 4) * 4
