// @vitest-environment node
import { describe, expect, it } from 'vitest'
import { parseMtl } from './mtl'
import { parseObj } from './obj'

const square = 'v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n'

describe('parseObj', () => {
  it('cuts polygons into triangles and shares corners', () => {
    const [part] = parseObj(`${square}f 1 2 3 4`).parts
    expect([...part!.index]).toEqual([0, 1, 2, 0, 2, 3])
    expect(part!.positions).toHaveLength(12)
    expect(part!.uvs).toBeNull()
  })

  it('counts negative indices from the end', () => {
    const [part] = parseObj(`${square}f -4 -3 -2`).parts
    expect([...part!.positions]).toEqual([0, 0, 0, 1, 0, 0, 1, 1, 0])
  })

  it('keeps the normals of the file', () => {
    const [part] = parseObj(`${square}vn 0 0 -1\nf 1//1 2//1 3//1`).parts
    expect([...part!.normals]).toEqual([0, 0, -1, 0, 0, -1, 0, 0, -1])
  })

  it('makes normals smooth over a seam of the texture', () => {
    // Two faces at right angles along the edge 1–2, which is cut in the texture.
    const { parts: [part] } = parseObj('v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nvt 0 0\nvt 1 0\nvt 0 1\nvt 1 1\nf 1/1 2/2 3/3\nf 2/4 1/3 4/1')
    const at = (x: number, y: number, z: number) => [...Array(part!.positions.length / 3).keys()]
      .filter(i => [x, y, z].every((value, k) => part!.positions[i * 3 + k] === value))
      .map(i => [...part!.normals.slice(i * 3, i * 3 + 3)])
    const [one, other] = at(1, 0, 0)
    expect(one).toEqual(other)
    expect(Math.hypot(...one!)).toBeCloseTo(1, 6)
  })

  it('makes a part of each material and of what is invented', () => {
    const { parts, libraries } = parseObj(`mtllib a b.mtl\n${square}usemtl one\ng seen\nf 1 2 3\nusemtl two\nf 1 2 4\ng invented\nf 1 3 4`)
    expect(parts.map(({ material, invented }) => [material, invented])).toEqual([['one', false], ['two', false], ['two', true]])
    expect(libraries).toEqual(['a b.mtl'])
  })

  it.each(['f 1 2 9', 'f 0 1 2', 'f 1 2 x', 'f 1/7 2/7 3/7', 'v NaN 0 0', 'v 1 2'])('calls %s damaged', (line) => {
    expect(() => parseObj(`${square}${line}`)).toThrow('damaged')
  })
})

describe('parseMtl', () => {
  it('reads names with spaces and passes over options', () => {
    const material = parseMtl('newmtl my skin\r\nKd 0.5 2 -1\r\nmap_Kd -clamp on -s 1 1 1 my skin.png\r\n').get('my skin')
    expect(material).toEqual({ color: [0.5, 1, 0], image: 'my skin.png' })
  })

  it('does not let a black factor hide the texture', () => {
    expect(parseMtl('newmtl a\nKd 0 0 0\nmap_Kd a.png').get('a')?.color).toEqual([1, 1, 1])
    expect(parseMtl('newmtl a\nKd 0 0 0').get('a')?.color).toEqual([0, 0, 0])
  })
})
