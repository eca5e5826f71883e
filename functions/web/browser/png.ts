import { crc32, deflateSync, inflateSync } from 'node:zlib'

type Paint = (x: number, y: number) => readonly [number, number, number]

/** A picture as PNG (RFC 2083), 8 bits a channel. */
export function png(width: number, height: number, paint: Paint, level = 6): Uint8Array<ArrayBuffer> {
  const rows = Buffer.alloc(height * (1 + width * 3))
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) rows.set(paint(x, y), y * (1 + width * 3) + 1 + x * 3)
  }
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head.set([8, 2], 8)
  const signature = Buffer.from([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
  return new Uint8Array(Buffer.concat([signature, chunk('IHDR', head), chunk('IDAT', deflateSync(rows, { level })), chunk('IEND')]))
}

/** RFC 2083, 3.2. */
export function chunk(kind: string, data: Buffer = Buffer.alloc(0)): Buffer<ArrayBuffer> {
  const body = Buffer.concat([Buffer.from(kind, 'latin1'), data])
  const whole = Buffer.alloc(body.length + 8)
  whole.writeUInt32BE(data.length, 0)
  whole.set(body, 4)
  whole.writeUInt32BE(crc32(body), whole.length - 4)
  return whole
}

export interface Pixels { width: number, height: number, channels: number, data: Uint8Array }

/** The pixels of a PNG as browsers write them: 8 bits a channel, RGB or RGBA, not interlaced. */
export function pixels(file: Buffer): Pixels {
  const [width, height, depth, kind, interlaced] = [file.readUInt32BE(16), file.readUInt32BE(20), file[24], file[25], file[28]]
  if (depth !== 8 || (kind !== 2 && kind !== 6) || interlaced) throw new Error(`a PNG of kind ${kind}, ${depth} bits`)
  const packed: Buffer[] = []
  for (let at = 8; at < file.length; at += 12 + file.readUInt32BE(at)) {
    if (file.toString('latin1', at + 4, at + 8) === 'IDAT') packed.push(file.subarray(at + 8, at + 8 + file.readUInt32BE(at)))
  }
  const channels = kind === 6 ? 4 : 3
  const [stride, rows] = [width * channels, inflateSync(Buffer.concat(packed))]
  const data = new Uint8Array(height * stride)
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (stride + 1)]!
    for (let x = 0; x < stride; x++) {
      const left = x < channels ? 0 : data[y * stride + x - channels]!
      const up = y === 0 ? 0 : data[(y - 1) * stride + x]!
      const corner = x < channels || y === 0 ? 0 : data[(y - 1) * stride + x - channels]!
      data[y * stride + x] = rows[y * (stride + 1) + 1 + x]! + [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter]!
    }
  }
  return { width, height, channels, data }
}

/** RFC 2083, 6.6. */
function paeth(left: number, up: number, corner: number): number {
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)]
  return a <= b && a <= c ? left : b <= c ? up : corner
}
