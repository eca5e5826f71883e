import { ModelError } from './failure'

/** A decoder allocates what the header claims: 100 bytes of PNG can ask for 3 GB. */
const PIXELS = 64e6

/** Refuses an image that claims too many pixels, before anything decodes it. Other formats than PNG and JPEG are left to the browser. */
export function checkImage(bytes: Uint8Array): void {
  const size = pngSize(bytes) ?? jpegSize(bytes)
  if (size && size.width * size.height > PIXELS) throw new ModelError('too_large', `a texture of ${size.width} × ${size.height}`)
}

interface Size { width: number, height: number }

function pngSize(bytes: Uint8Array): Size | null {
  const view = dataView(bytes)
  return bytes.length >= 24 && view.getUint32(0) === 0x89504e47 ? { width: view.getUint32(16), height: view.getUint32(20) } : null
}

function jpegSize(bytes: Uint8Array): Size | null {
  const view = dataView(bytes)
  if (bytes.length < 4 || view.getUint16(0) !== 0xffd8) return null
  for (let at = 2; at + 9 < bytes.length;) {
    const marker = view.getUint16(at)
    // SOF0 to SOF15 hold the size; C4, C8 and CC among them are tables.
    if (marker >= 0xffc0 && marker <= 0xffcf && ![0xffc4, 0xffc8, 0xffcc].includes(marker)) {
      return { height: view.getUint16(at + 5), width: view.getUint16(at + 7) }
    }
    at += 2 + view.getUint16(at + 2)
  }
  return null
}

function dataView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
