import { Color, Mesh, MeshBasicMaterial, MeshNormalMaterial, MeshStandardMaterial, type Material, type Side } from 'three'
import { INVENTED, type Mode } from './choices'
import type { Surface } from './model'

/** How much of the tint covers the texture: enough to be seen on any colour, little enough to see the texture. */
const COVER = 0.68

/** Dresses surfaces for a mode and undresses them again. The surfaces' own materials are never changed. */
export class Looks {
  private readonly made: Material[] = []
  private readonly wires: Mesh[] = []

  apply(mode: Mode, surfaces: Surface[]): void {
    this.clear()
    for (const surface of surfaces) {
      const material = dress[mode](surface)
      if (material !== surface.own) this.made.push(material)
      surface.mesh.material = material
      if (mode === 'wireframe') this.wire(surface)
    }
  }

  clear(): void {
    for (const wire of this.wires.splice(0)) wire.removeFromParent()
    for (const material of this.made.splice(0)) material.dispose()
  }

  /** Lines over a solid that hides those behind: without it one sees both sides at once, and nothing. */
  private wire({ mesh, own }: Surface): void {
    const lines = new MeshBasicMaterial({ wireframe: true, color: 0x2b2723, transparent: true, opacity: 0.42, side: own.side })
    const wire = new Mesh(mesh.geometry, lines)
    this.made.push(lines)
    this.wires.push(wire)
    mesh.add(wire)
  }
}

const dress: Record<Mode, (surface: Surface) => Material> = {
  textured: ({ own }) => own,
  clay: ({ own }) => clay(own.side, 0xcfc1b4),
  wireframe: ({ own }) => clay(own.side, 0xe9e4dd),
  normals: ({ own }) => new MeshNormalMaterial({ side: own.side }),
  invented: ({ own, invented }) => invented ? tinted(own) : own,
}

/** Pushed back by a hair, so that lines in the same place win. */
function clay(side: Side, color: number): Material {
  return new MeshStandardMaterial({ color, roughness: 0.82, side, polygonOffset: true, polygonOffsetFactor: 1, polygonOffsetUnits: 1 })
}

function tinted(own: MeshStandardMaterial): Material {
  const material = own.clone()
  material.onBeforeCompile = (shader) => {
    shader.uniforms.tint = { value: new Color(INVENTED) }
    shader.fragmentShader = shader.fragmentShader
      .replace('#include <common>', '#include <common>\nuniform vec3 tint;')
      .replace('#include <map_fragment>', `#include <map_fragment>\ndiffuseColor.rgb = mix(diffuseColor.rgb, tint, ${COVER});`)
  }
  material.customProgramCacheKey = () => 'tinted'
  return material
}
