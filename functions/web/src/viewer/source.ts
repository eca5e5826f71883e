import type { TaskResult } from '@/api/schema'

export type SourceKind = 'glb' | 'zip'

export interface Source { kind: SourceKind, name: string, sha256: string }

/** The file to show: GLB where there is one, for it is whole in itself; else the archive, which every engine makes. */
export function sourceIn(results: readonly TaskResult[]): Source | null {
  for (const kind of ['glb', 'zip'] as const) {
    const found = results.find(({ name }) => name.toLowerCase().endsWith(`.${kind}`))
    if (found) return { kind, name: found.name, sha256: found.sha256 }
  }
  return null
}

/** A picture of the model for where it can't be turned: the turntable turns by itself, so not for who wants no motion. */
export function pictureIn(results: readonly TaskResult[], calm: boolean): TaskResult | undefined {
  const names = calm ? ['thumbnail.png', 'turntable.webp'] : ['turntable.webp', 'thumbnail.png']
  return names.map(name => results.find(result => result.name === name)).find(result => result !== undefined)
}
