import { describe, expect, it } from 'vitest'
import { limits } from '@/api/pictures'
import { inspect, refusal } from './inspect'
import './testing'

const blob = (...parts: (number[] | string | Uint8Array<ArrayBuffer>)[]) =>
  new Blob(parts.map(part => Array.isArray(part) ? new Uint8Array(part) : part))
const u16 = (n: number) => [n >> 8, n & 0xFF]
const u32 = (n: number) => [...u16(n >>> 16), ...u16(n & 0xFFFF)]
const le = (n: number, bytes: number) => Array.from({ length: bytes }, (_, i) => n >>> 8 * i & 0xFF)
const segment = (marker: number, body: number[] | Uint8Array<ArrayBuffer>) => [0xFF, marker, ...u16(body.length + 2), ...body]
const frame = (marker: number) => segment(marker, [8, ...u16(480), ...u16(640), 3, 0, 0, 0])
const webp = (kind: string, ...bytes: number[]) => blob('RIFF', [0, 0, 0, 0], 'WEBP', kind, bytes, new Uint8Array(16))

describe('inspect tells by bytes', () => {
  it.each([
    ['png', blob([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], u32(13), 'IHDR', u32(640), u32(480)), 'image/png'],
    ['jpeg', blob([0xFF, 0xD8], segment(0xE0, [1, 2, 3]), frame(0xC0)), 'image/jpeg'],
    ['progressive jpeg behind fill bytes and tables', blob([0xFF, 0xD8, 0xFF, 0xFF], segment(0xC4, [1]), frame(0xC2)), 'image/jpeg'],
    ['jpeg behind a megabyte of profile', blob([0xFF, 0xD8], ...Array.from({ length: 17 }, () => segment(0xE2, new Uint8Array(60_000))), frame(0xC0)), 'image/jpeg'],
    ['lossy webp', webp('VP8 ', ...le(0, 10), ...le(640, 2), ...le(480, 2)), 'image/webp'],
    ['lossless webp', webp('VP8L', ...le(0, 4), 0x2F, ...le(639 | 479 << 14, 4)), 'image/webp'],
    ['extended webp', webp('VP8X', ...le(0, 8), ...le(639, 3), ...le(479, 3)), 'image/webp'],
  ])('%s, with its size', async (_, file, type) => {
    expect(await inspect(file)).toEqual({ type, width: 640, height: 480 })
  })

  it.each([
    ['text', blob('hello, this is no picture')],
    ['a page', blob('<!doctype html><title>x</title>')],
    ['nothing', blob()],
    ['a RIFF of sound', blob('RIFF', [0, 0, 0, 0], 'WAVEfmt ')],
  ])('%s is no picture', async (_, file) => {
    expect(await inspect(file)).toEqual({ type: null })
  })

  it.each([
    ['GIF', blob('GIF89a')],
    ['HEIC', blob([0, 0, 0, 24], 'ftypheic')],
    ['AVIF', blob([0, 0, 0, 24], 'ftypavif')],
    ['TIFF', blob([0x49, 0x49, 0x2A, 0])],
  ])('%s is a foreign one', async (_, file) => {
    expect(await inspect(file)).toEqual({ type: 'foreign' })
  })

  it('leaves a size that is not there to the server, and ends on a JPEG without end', async () => {
    expect(await inspect(blob([0xFF, 0xD8, 0xFF, 0xE0]))).toEqual({ type: 'image/jpeg' })
    expect(await inspect(blob([0xFF, 0xD8], segment(0xDA, [1]), frame(0xC0)))).toEqual({ type: 'image/jpeg' })
    expect(await inspect(blob([0xFF, 0xD8, 0xFF], new Uint8Array(5000).fill(0xFF)))).toEqual({ type: 'image/jpeg' })
  })

  it('a file that is gone is an error', async () => {
    const file = blob('x')
    file.slice = () => ({ arrayBuffer: () => Promise.reject(new DOMException('gone', 'NotReadableError')) }) as unknown as Blob
    await expect(inspect(file)).rejects.toThrow('gone')
  })
})

describe('refusal', () => {
  const png = { type: 'image/png', width: 100, height: 100 } as const

  it('lets pass what the API takes, to the last byte and pixel', () => {
    expect(refusal(limits.bytes, png)).toBeNull()
    expect(refusal(1, { type: 'image/jpeg', width: 8000, height: 5000 })).toBeNull()
    expect(refusal(1, { type: 'image/webp' })).toBeNull()
  })

  it.each([
    ['empty', 0, { type: null }],
    ['notPicture', 5, { type: null }],
    ['foreign', 5, { type: 'foreign' }],
    ['tooLarge', limits.bytes + 1, png],
    ['tooManyPixels', 5, { type: 'image/png', width: 8001, height: 5000 }],
  ] as const)('%s', (reason, size, facts) => {
    expect(refusal(size, facts)).toBe(reason)
  })
})
