import { ModelError } from './failure'

/** Faces of one material, ready for the GPU. */
export interface Part {
  positions: Float32Array
  normals: Float32Array
  /** Origin at the lower left, as OBJ has it. */
  uvs: Float32Array | null
  index: Uint32Array
  material: string
  /** Of the group `invented`: surface that the photo does not show. */
  invented: boolean
}

export interface Obj { parts: Part[], libraries: string[] }

const FACES = 4e6

/** Wavefront OBJ: polygons with `v`, `vt`, `vn`; lines, points and curves are passed over. Normals are made smooth where there are none. */
export function parseObj(text: string): Obj {
  const positions: number[] = []
  const uvs: number[] = []
  const normals: number[] = []
  const libraries: string[] = []
  const builders = new Map<string, Builder>()
  let material = ''
  let group = ''
  let faces = 0

  for (const line of lines(text)) {
    const [word = '', ...rest] = line.split(/\s+/)
    switch (word) {
      case 'v': push(positions, rest, 3); break
      case 'vt': push(uvs, rest, 2); break
      case 'vn': push(normals, rest, 3); break
      case 'f': {
        if ((faces += rest.length - 2) > FACES) throw new ModelError('too_large', 'too many faces')
        const corners = rest.map(word => corner(word, positions.length / 3, uvs.length / 2, normals.length / 3))
        builder().add(corners)
        break
      }
      case 'g': case 'o': group = rest.join(' '); break
      case 'usemtl': material = rest.join(' '); break
      case 'mtllib': libraries.push(rest.join(' ')); break
    }
  }
  const smooth = smoothNormals(positions, [...builders.values()])
  return { parts: [...builders.values()].map(built => built.finish(positions, uvs, normals, smooth)), libraries }

  function builder(): Builder {
    const invented = group === 'invented'
    const key = `${invented} ${material}`
    let found = builders.get(key)
    if (!found) builders.set(key, found = new Builder(material, invented))
    return found
  }
}

/** Positions in the lists, -1 for none. */
interface Corner { v: number, vt: number, vn: number }

/** Gathers faces, giving each different corner one vertex. */
class Builder {
  readonly corners: Corner[] = []
  readonly index: number[] = []
  private readonly known = new Map<string, number>()

  constructor(private readonly material: string, private readonly invented: boolean) {}

  add(polygon: Corner[]): void {
    const ids = polygon.map(corner => this.id(corner))
    for (let i = 2; i < ids.length; i++) this.index.push(ids[0]!, ids[i - 1]!, ids[i]!)
  }

  private id(corner: Corner): number {
    const key = `${corner.v}/${corner.vt}/${corner.vn}`
    let id = this.known.get(key)
    if (id === undefined) this.known.set(key, id = this.corners.push(corner) - 1)
    return id
  }

  finish(positions: number[], uvs: number[], normals: number[], smooth: Float32Array): Part {
    const { corners, index, material, invented } = this
    return {
      positions: gather(corners, 3, ({ v }, i) => positions[v * 3 + i]!),
      normals: gather(corners, 3, ({ v, vn }, i) => vn < 0 ? smooth[v * 3 + i]! : normals[vn * 3 + i]!),
      uvs: corners.some(({ vt }) => vt >= 0) ? gather(corners, 2, ({ vt }, i) => vt < 0 ? 0 : uvs[vt * 2 + i]!) : null,
      index: new Uint32Array(index),
      material,
      invented,
    }
  }
}

function* lines(text: string): Generator<string> {
  for (let from = 0; from < text.length;) {
    let to = text.indexOf('\n', from)
    if (to < 0) to = text.length
    yield text.slice(from, to).trim()
    from = to + 1
  }
}

function push(list: number[], words: string[], count: number): void {
  for (let i = 0; i < count; i++) {
    const number = Number(words[i])
    if (!Number.isFinite(number)) throw new ModelError('damaged', `not a number: ${words[i]}`)
    list.push(number)
  }
}

/** `v`, `v/vt`, `v//vn` or `v/vt/vn`, counted from 1, or from the end where negative. */
function corner(word: string, positions: number, uvs: number, normals: number): Corner {
  const [v, vt, vn] = word.split('/')
  return { v: place(v, positions), vt: vt ? place(vt, uvs) : -1, vn: vn ? place(vn, normals) : -1 }
}

function place(word: string | undefined, count: number): number {
  const stated = Number(word)
  const place = stated < 0 ? count + stated : stated - 1
  if (!Number.isInteger(place) || place < 0 || place >= count) throw new ModelError('damaged', `no such vertex: ${word}`)
  return place
}

/** A normal a position, not a corner: a seam of the texture is no edge of the solid. Weighted by the faces' areas. */
function smoothNormals(positions: number[], builders: Builder[]): Float32Array {
  const sums = new Float32Array(positions.length)
  for (const { corners, index } of builders) {
    for (let i = 0; i < index.length; i += 3) {
      const [a, b, c] = [0, 1, 2].map(k => corners[index[i + k]!]!.v * 3) as [number, number, number]
      const u = [0, 1, 2].map(k => positions[b + k]! - positions[a + k]!) as [number, number, number]
      const w = [0, 1, 2].map(k => positions[c + k]! - positions[a + k]!) as [number, number, number]
      const cross = [u[1] * w[2] - u[2] * w[1], u[2] * w[0] - u[0] * w[2], u[0] * w[1] - u[1] * w[0]]
      for (const corner of [a, b, c]) cross.forEach((value, k) => { sums[corner + k]! += value })
    }
  }
  for (let i = 0; i < sums.length; i += 3) {
    const length = Math.hypot(sums[i]!, sums[i + 1]!, sums[i + 2]!) || 1
    for (let k = 0; k < 3; k++) sums[i + k]! /= length
  }
  return sums
}

function gather(corners: Corner[], size: number, value: (corner: Corner, i: number) => number): Float32Array {
  const values = new Float32Array(corners.length * size)
  corners.forEach((corner, at) => { for (let i = 0; i < size; i++) values[at * size + i] = value(corner, i) })
  return values
}
