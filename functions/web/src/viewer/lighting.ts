import { AmbientLight, DirectionalLight, Group, HemisphereLight, type Light as ThreeLight } from 'three'
import type { Light } from './choices'

type Place = [x: number, y: number, z: number]

/** Lights that turn with the camera: what one looks at is always lit the same way. */
export function lighting(light: Light): Group {
  const group = new Group()
  for (const each of rigs[light]()) {
    group.add(each)
    // A target that stays in the world would have the camera's distance bend the direction.
    if (each instanceof DirectionalLight) group.add(each.target)
  }
  return group
}

/**
 * three.js's light of intensity π shows a white surface that faces it as white. The soft one comes near to that all around: a texture
 * that is made of a photo has the photo's shadows in it, and needs no second ones.
 */
const rigs: Record<Light, () => ThreeLight[]> = {
  soft: () => [new HemisphereLight(0xffffff, 0xc4bcb3, 2.1), from([-2.5, 3, 3], 1.5), from([3, 1, 2], 0.3)],
  sun: () => [new HemisphereLight(0xdfe9ff, 0x8d7c6c, 0.75), from([4, 4.5, 2.5], 3.4, 0xfff0dc)],
  edge: () => [
    new AmbientLight(0xffffff, 0.35), from([-4, 2, -2.5], 4.2, 0xbfd4ff), from([4, 1.5, -2], 3.2, 0xffd6b0), from([0, 2, 4], 0.5),
  ],
  flat: () => [new AmbientLight(0xffffff, Math.PI)],
}

function from(place: Place, intensity: number, color = 0xffffff): ThreeLight {
  const light = new DirectionalLight(color, intensity)
  light.position.set(...place)
  return light
}
