import { DataTexture, Mesh, MeshBasicMaterial, PlaneGeometry, LinearFilter, Vector3, type Box3, type Texture } from 'three'

const SIDE = 64

/** A soft shadow under the model, so that it stands somewhere. A painted one: real shadows cost a pass a frame and look no softer. */
export class Ground {
  readonly mesh: Mesh
  private readonly fade: Texture = softDisc()
  private readonly material = new MeshBasicMaterial({
    color: 0x000000, transparent: true, opacity: 0.32, depthWrite: false, alphaMap: this.fade,
  })

  constructor() {
    this.mesh = new Mesh(new PlaneGeometry(1, 1).rotateX(-Math.PI / 2), this.material)
    this.mesh.visible = false
  }

  /** Under the box; not at all from below, for the plane has one side. */
  put(box: Box3): void {
    const size = box.getSize(new Vector3())
    const margin = 0.35 * Math.max(size.x, size.z)
    this.mesh.scale.set(size.x + margin, 1, size.z + margin)
    box.getCenter(this.mesh.position).setY(box.min.y - 0.012 * Math.max(size.x, size.y, size.z))
    this.mesh.visible = true
  }

  dispose(): void {
    this.mesh.geometry.dispose()
    this.material.dispose()
    this.fade.dispose()
  }
}

/** White in the middle, black at the rim. */
function softDisc(): Texture {
  const data = new Uint8Array(SIDE * SIDE * 4)
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const distance = Math.hypot(x + 0.5 - SIDE / 2, y + 0.5 - SIDE / 2) / (SIDE / 2)
      data.fill(255 * Math.max(0, 1 - distance) ** 2, (y * SIDE + x) * 4, (y * SIDE + x + 1) * 4)
    }
  }
  const texture = new DataTexture(data, SIDE, SIDE)
  texture.magFilter = texture.minFilter = LinearFilter
  texture.needsUpdate = true
  return texture
}
