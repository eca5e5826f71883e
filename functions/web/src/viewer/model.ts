import {
  Box3, BufferAttribute, BufferGeometry, Color, Group, Material, Mesh, MeshStandardMaterial, SRGBColorSpace, Texture, type Object3D,
} from 'three'
import { GLTFLoader } from 'three/examples/jsm/loaders/GLTFLoader.js'
import { asModelError, ModelError } from './failure'
import { checkGlb } from './glb'
import type { ObjArchive } from './objArchive'
import type { Answer } from './objArchive.worker'
import type { SourceKind } from './source'

/** A model in three.js's terms, whatever file it came from. */
export interface Model {
  object: Object3D
  surfaces: Surface[]
  faces: number
  /** Frees all that it holds, on the GPU and off. */
  dispose(): void
}

/** A mesh and how it came. The stage puts other materials on it for other looks. */
export interface Surface {
  mesh: Mesh
  own: MeshStandardMaterial
  /** The photo does not show it. */
  invented: boolean
}

/** Throws a ModelError; the reason of `signal` when that fires. */
export async function readModel(kind: SourceKind, bytes: Uint8Array<ArrayBuffer>, signal?: AbortSignal): Promise<Model> {
  const object = kind === 'glb' ? await readGlb(bytes) : await build(await inWorker(bytes, signal))
  const model = take(object)
  const size = new Box3().setFromObject(object)
  const flaw = signal?.aborted
    ? signal.reason
    : model.faces === 0 || size.isEmpty()
      ? new ModelError('empty')
      : [...size.min, ...size.max].every(Number.isFinite) ? null : new ModelError('damaged', 'no finite extent')
  if (!flaw) return model
  model.dispose()
  throw flaw
}

async function readGlb(bytes: Uint8Array<ArrayBuffer>): Promise<Object3D> {
  checkGlb(bytes)
  try {
    const { scene } = await new GLTFLoader().parseAsync(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength), '')
    return scene
  } catch (thrown) {
    throw asModelError(thrown)
  }
}

/** How long unpacking may take: what is within the limits takes seconds at most. */
const PATIENCE = 60_000

async function inWorker(bytes: Uint8Array<ArrayBuffer>, signal?: AbortSignal): Promise<ObjArchive> {
  signal?.throwIfAborted()
  const worker = new Worker(new URL('./objArchive.worker.ts', import.meta.url), { type: 'module' })
  const { promise, resolve, reject } = deferred<ObjArchive>()
  const overdue = setTimeout(() => reject(new ModelError('too_large', 'takes too long')), PATIENCE)
  const stop = () => reject(signal?.reason)
  signal?.addEventListener('abort', stop, { once: true })
  worker.onmessage = ({ data }: MessageEvent<Answer>) => {
    if ('archive' in data) resolve(data.archive)
    else reject(new ModelError(data.failure, data.detail))
  }
  worker.onerror = event => reject(new ModelError('damaged', event.message))
  worker.postMessage(bytes)
  try {
    return await promise
  } finally {
    clearTimeout(overdue)
    signal?.removeEventListener('abort', stop)
    worker.terminate()
  }
}

function deferred<T>() {
  let settle!: { resolve: (value: T) => void, reject: (reason: unknown) => void }
  const promise = new Promise<T>((resolve, reject) => { settle = { resolve, reject } })
  return { promise, ...settle }
}

async function build({ parts, materials, images }: ObjArchive): Promise<Object3D> {
  const textures = new Map<string, Texture>()
  for (const [name, bytes] of images) textures.set(name, await texture(bytes))
  const group = new Group()
  for (const part of parts) {
    const geometry = new BufferGeometry()
    geometry.setAttribute('position', new BufferAttribute(part.positions, 3))
    geometry.setAttribute('normal', new BufferAttribute(part.normals, 3))
    if (part.uvs) geometry.setAttribute('uv', new BufferAttribute(part.uvs, 2))
    geometry.setIndex(new BufferAttribute(part.index, 1))
    const { color = [1, 1, 1] as const, image = null } = materials.get(part.material) ?? {}
    const material = new MeshStandardMaterial({
      color: new Color().setRGB(...color, SRGBColorSpace),
      map: part.uvs && image ? textures.get(image) ?? null : null,
      roughness: 1,
    })
    material.userData.invented = part.invented
    group.add(new Mesh(geometry, material))
  }
  return group
}

async function texture(bytes: Uint8Array<ArrayBuffer>): Promise<Texture> {
  try {
    const bitmap = await createImageBitmap(new Blob([bytes]), { imageOrientation: 'flipY', premultiplyAlpha: 'none' })
    const texture = new Texture(bitmap)
    texture.flipY = false // the bitmap is; WebGL can't flip bitmaps
    texture.colorSpace = SRGBColorSpace
    texture.needsUpdate = true
    return texture
  } catch (cause) {
    throw new ModelError('damaged', 'a texture', { cause })
  }
}

function take(object: Object3D): Model {
  const surfaces: Surface[] = []
  const others: Object3D[] = []
  object.traverse((node) => {
    if (node instanceof Mesh && node.material instanceof MeshStandardMaterial) {
      surfaces.push({ mesh: node, own: node.material, invented: node.material.userData.invented === true })
    } else if (node instanceof Mesh && node.material instanceof Material) {
      surfaces.push({ mesh: node, own: standard(node.material), invented: node.material.userData.invented === true })
    } else if (node !== object && !('isGroup' in node) && node.children.length === 0) {
      others.push(node) // lights, cameras, points and lines are not the model
    }
  })
  for (const node of others) node.removeFromParent()
  return {
    object,
    surfaces,
    faces: surfaces.reduce((sum, { mesh }) => sum + (mesh.geometry.index?.count ?? mesh.geometry.attributes.position?.count ?? 0) / 3, 0),
    dispose: () => surfaces.forEach(dispose),
  }
}

/** glTF's unlit material, in the terms of the lit one. */
function standard(material: Material & { map?: Texture | null, color?: Color }): MeshStandardMaterial {
  const { map = null, color, side, transparent, opacity } = material
  material.dispose()
  return new MeshStandardMaterial({ map, color, side, transparent, opacity, roughness: 1 })
}

function dispose({ mesh, own }: Surface): void {
  mesh.geometry.dispose()
  for (const value of Object.values(own)) {
    if (!(value instanceof Texture)) continue
    value.dispose()
    // Its memory is the GPU process's: the collector sees a few bytes and is in no hurry.
    if (value.image instanceof ImageBitmap) value.image.close()
  }
  own.dispose()
}
