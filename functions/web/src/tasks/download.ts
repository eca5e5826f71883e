import { Problem } from '@/api/problem'
import type { TaskResult } from '@/api/schema'
import type { MessageKey } from '@/i18n'
import { useTasks } from '@/stores/tasks'

/**
 * Saves a result as a file. Fetched first: `download` counts for nothing on a link to another origin, and a picture would take the place
 * of the page. `onShare` is told how much of it has come, 0 to 1. Throws a Problem.
 */
export async function download(taskId: string, name: string, onShare: (share: number) => void = () => {}): Promise<void> {
  const result = await useTasks().freshResult(taskId, name)
  if (!result) throw new Problem('not_found')
  const file = await fetched(result, onShare)
  const link = document.createElement('a')
  link.href = URL.createObjectURL(file)
  link.download = name
  link.click()
  // The browser has taken hold of it by the next turn; a minute is for those that ask where to put it.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

async function fetched({ url, size }: TaskResult, onShare: (share: number) => void): Promise<Blob> {
  try {
    const response = await fetch(url)
    if (!response.ok) throw new Problem('storage_refused', { status: response.status })
    if (!response.body) return await response.blob()
    let come = 0
    const counting = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, passed) {
        come += chunk.length
        onShare(Math.min(1, come / size))
        passed.enqueue(chunk)
      },
    })
    return await new Response(response.body.pipeThrough(counting), { headers: response.headers }).blob()
  } catch (cause) {
    throw cause instanceof Problem ? cause : new Problem('unreachable', { cause })
  }
}

const kinds: Record<string, MessageKey> = {
  'pixel_images.png': 'tasks.fileKinds.views',
  'xyz_images.png': 'tasks.fileKinds.maps',
  'thumbnail.png': 'tasks.fileKinds.thumbnail',
  'turntable.webp': 'tasks.fileKinds.turntable',
  'report.json': 'tasks.fileKinds.report',
}

const endings: Record<string, MessageKey> = {
  'glb': 'tasks.fileKinds.glb',
  'zip': 'tasks.fileKinds.zip',
  'stl': 'tasks.fileKinds.stl',
  'ply': 'tasks.fileKinds.ply',
  '3mf': 'tasks.fileKinds.threemf',
  'usdz': 'tasks.fileKinds.usdz',
}

/** What a file is good for, in words; undefined for one that no engine of ours makes. */
export function kindOf(name: string): MessageKey | undefined {
  return lookUp(kinds, name) ?? lookUp(endings, name.slice(name.lastIndexOf('.') + 1).toLowerCase())
}

/** Models before pictures before figures, GLB first; within, as they came. */
export function inOrder<T extends { name: string }>(files: T[]): T[] {
  const rank = ({ name }: T) => name.endsWith('.json') ? 3 : lookUp(kinds, name) ? 2 : name.endsWith('.glb') ? 0 : 1
  return [...files].sort((a, b) => rank(a) - rank(b))
}

function lookUp<T>(record: Record<string, T>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined
}
