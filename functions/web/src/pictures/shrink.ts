import { limits } from '@/api/pictures'
import type { Bounds, Size } from './fit'

/** What is shrunk at all is made a size that serves the reconstruction fully and uploads fast. */
const bounds: Bounds = { bytes: limits.bytes / 4, pixels: limits.pixels / 2, side: 4096 }

const EXTENSIONS: Record<string, string> = { 'image/jpeg': 'jpg', 'image/png': 'png', 'image/webp': 'webp' }

export type Shrink = (file: File, signal?: AbortSignal) => Promise<Size & { file: File }>

/**
 * The picture made anew within the limits, in a worker. Throws where this browser can't read or write it; an AbortError when
 * `signal` fires, which also ends the work.
 */
export const shrink: Shrink = (file, signal) => new Promise((resolve, reject) => {
  signal?.throwIfAborted()
  const worker = new Worker(new URL('./shrink.worker.ts', import.meta.url), { type: 'module' })
  const abort = () => end(() => reject(signal?.reason))
  function end(settle: () => void) {
    worker.terminate()
    signal?.removeEventListener('abort', abort)
    settle()
  }
  signal?.addEventListener('abort', abort)
  worker.onerror = event => end(() => reject(new Error(event.message || 'the worker did not start')))
  worker.onmessage = ({ data }: MessageEvent<{ made: Size & { blob: Blob } } | { error: string }>) => end(() => {
    if ('error' in data) return reject(new Error(data.error))
    const { blob, width, height } = data.made
    resolve({ width, height, file: new File([blob], renamed(file.name, blob.type), { type: blob.type }) })
  })
  worker.postMessage({ file, bounds })
})

/** The name with the ending of its new type. */
export function renamed(name: string, type: string): string {
  const extension = EXTENSIONS[type]
  return extension ? `${name.replace(/\.[^.]*$/, '') || 'picture'}.${extension}` : name
}
