import { limits } from '@/api/pictures'

/** What a file is, told by its bytes: names and declared types are only claims. */
export interface Facts {
  /** One that the API takes; `foreign`: a picture of another kind, which the browser may know how to convert. */
  type: typeof limits.types[number] | 'foreign' | null
  /** As stored, before any rotation by EXIF. Undefined where the header does not say. */
  width?: number
  height?: number
}

export type Refusal = 'empty' | 'unreadable' | 'notPicture' | 'foreign' | 'tooLarge' | 'tooManyPixels'

/** Why a file can't be sent as it is; null: it can. What a header does not tell is left to the server. */
export function refusal(size: number, { type, width = 0, height = 0 }: Facts): Refusal | null {
  if (size === 0) return 'empty'
  if (type === null) return 'notPicture'
  if (type === 'foreign') return 'foreign'
  if (size > limits.bytes) return 'tooLarge'
  if (width * height > limits.pixels) return 'tooManyPixels'
  return null
}

/** Enough for every header but a JPEG's, whose size may stand behind megabytes of colour profile and preview. */
const HEAD = 64

/** Reads no more than headers. Throws where the file can't be read: it is a folder, or was moved meanwhile. */
export async function inspect(file: Blob): Promise<Facts> {
  const head = await bytes(file, 0, HEAD)
  if (starts(head, 0xFF, 0xD8, 0xFF)) return { type: 'image/jpeg', ...await jpegSize(file) }
  if (starts(head, 0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A)) return { type: 'image/png', ...pngSize(head) }
  if (text(head, 0, 4) === 'RIFF' && text(head, 8, 4) === 'WEBP') return { type: 'image/webp', ...webpSize(head) }
  return { type: isForeign(head) ? 'foreign' : null }
}

type Size = { width: number, height: number } | undefined

function pngSize(head: DataView): Size {
  if (head.byteLength < 24) return undefined
  return { width: head.getUint32(16), height: head.getUint32(20) }
}

/** Walks the segments to the frame header (ITU T.81, B.1.1.4). */
async function jpegSize(file: Blob): Promise<Size> {
  for (let at = 2, segments = 0; segments < 1000; segments++) {
    const view = await bytes(file, at, 9)
    if (view.byteLength < 9 || view.getUint8(0) !== 0xFF) return undefined
    const marker = view.getUint8(1)
    const isFrame = marker >= 0xC0 && marker <= 0xCF && ![0xC4, 0xC8, 0xCC].includes(marker)
    if (isFrame) return { width: view.getUint16(7), height: view.getUint16(5) }
    if (marker === 0xDA || marker === 0xD9) return undefined
    // A fill byte is one long, a marker without contents two.
    at += marker === 0xFF ? 1 : marker === 0x01 || (marker >= 0xD0 && marker <= 0xD7) ? 2 : 2 + view.getUint16(2)
  }
  return undefined
}

/** The three kinds of WebP (RFC 9649, 2.5–2.7). */
function webpSize(head: DataView): Size {
  if (head.byteLength < 30) return undefined
  switch (text(head, 12, 4)) {
    case 'VP8 ': return { width: head.getUint16(26, true) & 0x3FFF, height: head.getUint16(28, true) & 0x3FFF }
    case 'VP8L': {
      const bits = head.getUint32(21, true)
      return { width: (bits & 0x3FFF) + 1, height: (bits >>> 14 & 0x3FFF) + 1 }
    }
    case 'VP8X': return { width: (head.getUint32(24, true) & 0xFFFFFF) + 1, height: (head.getUint32(26, true) >>> 8) + 1 }
    default: return undefined
  }
}

/** GIF, BMP, TIFF, HEIC and AVIF, JPEG XL. */
function isForeign(head: DataView): boolean {
  return text(head, 0, 4) === 'GIF8'
    || (text(head, 0, 2) === 'BM' && head.byteLength > 14)
    || starts(head, 0x49, 0x49, 0x2A, 0) || starts(head, 0x4D, 0x4D, 0, 0x2A)
    || (text(head, 4, 4) === 'ftyp' && /^(hei|hev|mif1|msf1|avi[fs])/.test(text(head, 8, 4)))
    || starts(head, 0xFF, 0x0A) || text(head, 4, 4) === 'JXL '
}

async function bytes(file: Blob, at: number, count: number): Promise<DataView> {
  return new DataView(await file.slice(at, at + count).arrayBuffer())
}

function starts(head: DataView, ...magic: number[]): boolean {
  return head.byteLength >= magic.length && magic.every((byte, i) => head.getUint8(i) === byte)
}

function text(head: DataView, at: number, count: number): string {
  return Array.from({ length: Math.max(0, Math.min(count, head.byteLength - at)) }, (_, i) => String.fromCharCode(head.getUint8(at + i))).join('')
}
