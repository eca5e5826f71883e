import { describe, expect, it } from 'vitest'
import { fit, shrinkWith, type Size, type Tools } from './fit'
import { renamed } from './shrink'

const bounds = { bytes: 1000, pixels: 20_000_000, side: 4096 }

describe('fit', () => {
  it('keeps the shape, within side and pixels', () => {
    expect(fit({ width: 8192, height: 4096 }, bounds)).toEqual({ width: 4096, height: 2048 })
    expect(fit({ width: 4000, height: 4000 }, { side: 4096, pixels: 4_000_000 })).toEqual({ width: 2000, height: 2000 })
  })

  it('never enlarges, nor loses a side', () => {
    expect(fit({ width: 30, height: 20 }, bounds)).toEqual({ width: 30, height: 20 })
    expect(fit({ width: 100_000, height: 3 }, bounds)).toEqual({ width: 4096, height: 1 })
  })
})

/** An encoder whose blobs have `weight` bytes for each pixel at full quality. */
function encoder(weight: number, writes: (type: string) => string = type => type) {
  const asked: (Size & { type: string, quality: number })[] = []
  const tools: Tools<Size> = {
    decode: async () => ({ width: 1000, height: 500 }),
    async encode(_, { width, height }, type, quality) {
      asked.push({ width, height, type, quality })
      const written = writes(type)
      return new Blob([new Uint8Array(Math.round(width * height * weight * (written === 'image/png' ? 1 : quality)))], { type: written })
    },
  }
  return { tools, asked }
}

const file = (type: string) => new File(['x'], 'a', { type })

describe('shrinkWith', () => {
  it('is content with the first that is small enough', async () => {
    const { tools, asked } = encoder(0.001)
    expect(await shrinkWith(tools, file('image/jpeg'), bounds)).toMatchObject({ width: 1000, height: 500 })
    expect(asked).toEqual([{ width: 1000, height: 500, type: 'image/jpeg', quality: 0.92 }])
  })

  it('lowers quality before size', async () => {
    const { tools, asked } = encoder(0.0024)
    const made = await shrinkWith(tools, file('image/jpeg'), bounds)
    expect(made.blob.size).toBeLessThanOrEqual(bounds.bytes)
    expect(made).toMatchObject({ width: 1000, height: 500 })
    expect(asked.map(({ quality }) => quality)).toEqual([0.92, 0.84, 0.74])
    expect((await shrinkWith(encoder(0.004).tools, file('image/jpeg'), bounds)).width).toBe(700)
  })

  it('keeps transparency, and does not try qualities on PNG where WebP cannot be written', async () => {
    const { tools, asked } = encoder(0.004, () => 'image/png')
    expect((await shrinkWith(tools, file('image/png'), bounds)).blob.type).toBe('image/png')
    expect(asked.map(({ width, type }) => [width, type])).toEqual([[1000, 'image/webp'], [700, 'image/webp']])
  })

  it('gives up in the end', async () => {
    await expect(shrinkWith(encoder(1).tools, file('image/jpeg'), { ...bounds, bytes: 10 })).rejects.toThrow(RangeError)
  })
})

it('renamed gives the ending of the type', () => {
  expect(renamed('holiday.photo.HEIC', 'image/webp')).toBe('holiday.photo.webp')
  expect(renamed('photo', 'image/jpeg')).toBe('photo.jpg')
  expect(renamed('.png', 'image/png')).toBe('picture.png')
})
