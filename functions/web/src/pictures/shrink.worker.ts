import { shrinkWith, type Bounds, type Tools } from './fit'

/** Decoding and encoding tens of megapixels takes seconds: not on the page's thread. */

const browser: Tools<ImageBitmap> = {
  decode: file => createImageBitmap(file, { imageOrientation: 'from-image' }),
  encode(bitmap, { width, height }, type, quality) {
    const canvas = new OffscreenCanvas(width, height)
    const context = canvas.getContext('2d')
    if (!context) throw new Error('no canvas to draw on')
    context.imageSmoothingQuality = 'high'
    context.drawImage(bitmap, 0, 0, width, height)
    return canvas.convertToBlob({ type, quality })
  },
}

addEventListener('message', async ({ data }: MessageEvent<{ file: Blob, bounds: Bounds }>) => {
  try {
    postMessage({ made: await shrinkWith(browser, data.file, data.bounds) })
  } catch (thrown) {
    postMessage({ error: String(thrown) })
  }
})
