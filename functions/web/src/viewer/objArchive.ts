import { unpack } from './archive'
import { ModelError } from './failure'
import { checkImage } from './imageSize'
import { parseMtl, type ObjMaterial } from './mtl'
import { parseObj, type Part } from './obj'
import { expect } from './sniff'

export interface ObjArchive {
  parts: Part[]
  materials: Map<string, ObjMaterial>
  /** Encoded, by the name that the materials give. */
  images: Map<string, Uint8Array<ArrayBuffer>>
}

/** OBJ, MTL and textures out of a zip, whatever they are called. Throws a ModelError. */
export function readObjArchive(bytes: Uint8Array): ObjArchive {
  expect('zip', bytes)
  const files = unpack(bytes, name => /\.(?:obj|mtl|png|jpe?g|webp|bmp)$/i.test(name))
  const [name] = [...files.keys()].filter(name => /\.obj$/i.test(name))
  if (!name) throw new ModelError('incomplete', 'no .obj')

  const { parts, libraries } = parseObj(text(files.get(name)!))
  if (parts.length === 0) throw new ModelError('empty')

  const materials = new Map<string, ObjMaterial>()
  for (const library of libraries) {
    const file = find(files, library, /\.mtl$/i)
    if (file) parseMtl(text(file)).forEach((material, key) => materials.set(key, material))
  }
  const images = new Map<string, Uint8Array<ArrayBuffer>>()
  for (const { image } of materials.values()) {
    const file = image && find(files, image, /\.(?:png|jpe?g|webp|bmp)$/i)
    if (!file) continue
    checkImage(file)
    images.set(image, new Uint8Array(file))
  }
  return { parts, materials, images }
}

/** By its path, else its bare name (paths of the exporting machine are common), else the only one of its kind. */
function find(files: Map<string, Uint8Array>, path: string, kind: RegExp): Uint8Array | undefined {
  const base = (name: string) => name.split(/[\\/]/).at(-1)!.toLowerCase()
  const alike = [...files].filter(([name]) => kind.test(name))
  const found = alike.find(([name]) => name === path) ?? alike.find(([name]) => base(name) === base(path))
  return (found ?? (alike.length === 1 ? alike[0] : undefined))?.[1]
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}
