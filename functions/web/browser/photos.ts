import { existsSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chunk, png } from './png'

export interface Photo { name: string, mimeType: string, buffer: Buffer<ArrayBuffer> }

const types: Record<string, string> = { jpg: 'image/jpeg', png: 'image/png', webp: 'image/webp' }

function photo(path: string): Photo {
  const name = basename(path)
  return { name, mimeType: types[name.split('.').at(-1) ?? ''] ?? '', buffer: Buffer.from(readFileSync(path)) }
}

/** One of the pictures that the page offers for a first try. */
export function ownPicture(name: 'duck' | 'rocket' | 'teapot' | 'toadstool'): Photo {
  return photo(fileURLToPath(new URL(`../src/assets/samples/${name}.webp`, import.meta.url)))
}

/** A photograph of the world, which is not the project's to give away: it lies beside the repository where it is to be had. */
export function realPhoto(name: string): Photo | null {
  const path = fileURLToPath(new URL(`../../../../shared/samples/${name}`, import.meta.url))
  return existsSync(path) ? photo(path) : null
}

/** A small picture that no other story has. */
export function drawing(name = 'drawing.png'): Photo {
  const [hue, saturation] = [Math.floor(Math.random() * 256), Math.floor(Math.random() * 256)]
  const inside = (x: number, y: number) => (x - 48) ** 2 + (y - 48) ** 2 < 900
  const bytes = png(96, 96, (x, y) => inside(x, y) ? [hue, saturation, x + y] : [245, 244, 242])
  return { name, mimeType: 'image/png', buffer: Buffer.from(bytes) }
}

/** Nothing before nothing: no engine can make a solid of it. */
export function emptiness(name = 'nothing.png'): Photo {
  return { name, mimeType: 'image/png', buffer: Buffer.from(png(96, 96, () => [255, 255, 255])) }
}

/** A good picture of that many bytes: most of them in a chunk that says nothing (RFC 2083, 3.3: ancillary, private, safe to copy). */
export function heavy(name: string, bytes: number): Photo {
  const picture = png(640, 480, (x, y) => [x % 256, y % 256, 120])
  const end = picture.length - chunk('IEND').length
  const filling = chunk('fiLl', Buffer.alloc(bytes - picture.length - chunk('fiLl').length, name))
  return { name, mimeType: 'image/png', buffer: Buffer.concat([picture.subarray(0, end), filling, picture.subarray(end)]) }
}
