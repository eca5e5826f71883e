export interface ObjMaterial {
  /** sRGB, 0 to 1. */
  color: [number, number, number]
  /** The texture's name as written, a path in the archive. */
  image: string | null
}

/** The part of Wavefront MTL that shows without lights of its own: `Kd` and `map_Kd`. */
export function parseMtl(text: string): Map<string, ObjMaterial> {
  const materials = new Map<string, ObjMaterial>()
  let present: ObjMaterial | undefined
  for (const line of text.split('\n')) {
    const [word = '', ...rest] = line.trim().split(/\s+/)
    if (word === 'newmtl') materials.set(rest.join(' '), present = { color: [1, 1, 1], image: null })
    else if (word === 'Kd' && present) present.color = color(rest)
    else if (word === 'map_Kd' && present) present.image = withoutOptions(rest).join(' ') || null
  }
  // With a texture Kd is a factor, and some exporters leave it at black: then nothing would show.
  for (const material of materials.values()) {
    if (material.image && material.color.every(part => part === 0)) material.color = [1, 1, 1]
  }
  return materials
}

function color(words: string[]): [number, number, number] {
  const [r = 1, g = r, b = r] = words.map(Number).filter(Number.isFinite).map(part => Math.min(1, Math.max(0, part)))
  return [r, g, b]
}

/** `-clamp on -s 1 1 1 name with spaces.png`: how many values an option takes depends on it. */
const VALUES: Record<string, number> = {
  '-blendu': 1, '-blendv': 1, '-boost': 1, '-bm': 1, '-cc': 1, '-clamp': 1, '-imfchan': 1, '-mm': 2, '-o': 3, '-s': 3, '-t': 3, '-texres': 1,
}

function withoutOptions(words: string[]): string[] {
  const [first = '', ...rest] = words
  return first in VALUES ? withoutOptions(rest.slice(VALUES[first])) : words
}
