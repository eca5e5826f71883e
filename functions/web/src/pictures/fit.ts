/** A picture made anew until it is small enough. The tools are the browser's, handed in: they live in a worker. */

export interface Bounds {
  bytes: number
  pixels: number
  /** Of the longer side. */
  side: number
}

export interface Tools<Bitmap extends Size> {
  /** Upright, whatever EXIF says. */
  decode(file: Blob): Promise<Bitmap>
  /** The encoded type is the blob's own: browsers give PNG for what they can't write. */
  encode(bitmap: Bitmap, size: Size, type: string, quality: number): Promise<Blob>
}

export interface Size { width: number, height: number }

/** The largest size of the same shape within the bounds; never larger than it is. */
export function fit({ width, height }: Size, { pixels, side }: Pick<Bounds, 'pixels' | 'side'>): Size {
  const scale = Math.min(1, side / Math.max(width, height), Math.sqrt(pixels / (width * height)))
  return { width: Math.max(1, Math.floor(width * scale)), height: Math.max(1, Math.floor(height * scale)) }
}

const QUALITIES = [0.92, 0.84, 0.74]
const ROUNDS = 6

/** First of lower quality, then smaller. Throws where the picture can't be decoded, or nothing helps. */
export async function shrinkWith<Bitmap extends Size>(tools: Tools<Bitmap>, file: Blob, bounds: Bounds): Promise<Size & { blob: Blob }> {
  const bitmap = await tools.decode(file)
  // JPEG knows no transparency; what may have some stays what can.
  const type = file.type === 'image/jpeg' ? 'image/jpeg' : 'image/webp'
  let size = fit(bitmap, bounds)
  for (let round = 0; round < ROUNDS; round++) {
    for (const quality of QUALITIES) {
      const blob = await tools.encode(bitmap, size, type, quality)
      if (blob.size <= bounds.bytes) return { blob, ...size }
      if (blob.type === 'image/png') break // whose size no quality changes
    }
    size = fit(size, { ...bounds, side: Math.max(size.width, size.height) * 0.7 })
  }
  throw new RangeError(`still more than ${bounds.bytes} bytes at ${size.width} × ${size.height}`)
}
