import { call } from './client'
import type { Picture, PictureAnnouncement, PictureGrant, PicturePage } from './schema'
import { put, upload, type Transfer } from './upload'

/** What the API takes; the same numbers as UPLOAD_MAX_BYTES and openapi.yaml's PictureAnnouncement. */
export const limits = {
  /** Bytes that fit into a request of the platform; larger files go around the functions. */
  inRequest: 5 * 1024 * 1024,
  bytes: 50 * 1024 * 1024,
  pixels: 40_000_000,
  types: ['image/jpeg', 'image/png', 'image/webp'],
} as const

/** Uploads a file by the route that fits its size. Throws a Problem, or an AbortError. */
export function uploadPicture(file: File, transfer: Transfer = {}): Promise<Picture> {
  return file.size > limits.inRequest ? uploadDirectly(file, transfer) : uploadInRequest(file, transfer)
}

function uploadInRequest(file: File, transfer: Transfer): Promise<Picture> {
  const form = new FormData()
  form.append('file', file)
  return upload<Picture>('/picture/upload', form, transfer)
}

async function uploadDirectly(file: File, transfer: Transfer): Promise<Picture> {
  const announcement = { name: file.name, contentType: file.type as PictureAnnouncement['contentType'], size: file.size }
  const { signal } = transfer
  const grant = await call<PictureGrant>('/picture/upload-url', { method: 'POST', body: announcement, signal })
  await put(grant.url, grant.headers, file, transfer)
  return call<Picture>(`/picture/${grant.id}/complete`, { method: 'POST', signal })
}

export function getPicture(id: string, signal?: AbortSignal): Promise<Picture> {
  return call<Picture>(`/picture/${id}`, { signal })
}

/** `page` counts from 1. */
export function listPictures(page: number, size: number, signal?: AbortSignal): Promise<PicturePage> {
  return call<PicturePage>('/picture/list/page', { query: { page, size }, signal })
}

/**
 * The picture that an upload has made whose answer was lost: one of the newest, with that name and those very bytes. Undefined where there
 * is none, or where the browser hashes nothing: outside of a secure context.
 */
export async function findPicture(file: File, signal?: AbortSignal): Promise<Picture | undefined> {
  if (!globalThis.crypto?.subtle) return undefined
  const { items } = await listPictures(1, 20, signal)
  const alike = items.filter(({ name, size }) => name === file.name && size === file.size)
  if (alike.length === 0) return undefined
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()))
  const sha256 = Array.from(digest, byte => byte.toString(16).padStart(2, '0')).join('')
  return alike.find(picture => picture.sha256 === sha256)
}

/** Tasks made from it keep working. */
export function deletePicture(id: string, options: { keepalive?: boolean } = {}): Promise<void> {
  return call<void>(`/picture/${id}`, { method: 'DELETE', ...options })
}
