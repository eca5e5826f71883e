import { Box3, NeutralToneMapping, PerspectiveCamera, Scene, Sphere, TOUCH, Vector3, WebGLRenderer } from 'three'
import { OrbitControls } from 'three/examples/jsm/controls/OrbitControls.js'
import type { Light, Mode } from './choices'
import { Ground } from './ground'
import type { Pad } from './input'
import type { Move } from './keys'
import { lighting } from './lighting'
import { Looks } from './looks'
import type { Model } from './model'

export interface StageOptions {
  /** Without glides: for who wants no motion. */
  calm: boolean
  onLost(): void
  onRestored(): void
}

/** Where a person looks from at first: a little from the right and above, so that the depth shows. The photo is the view from +Z. */
const FROM = new Vector3(0.5, 0.28, 1).normalize()
const FIELD = 28
const TURN = Math.PI / 6 // radians a second

/**
 * A canvas with a model on it, and a camera that goes round it. Draws when something has changed and is to be seen, else never.
 * `dispose` gives the GPU all back.
 */
export class Stage {
  readonly renderer: WebGLRenderer
  private readonly scene = new Scene()
  private readonly camera = new PerspectiveCamera(FIELD, 1)
  private readonly controls: OrbitControls
  private readonly ground = new Ground()
  private readonly looks = new Looks()
  private readonly leaving = new AbortController()
  private light = lighting('soft')
  private model: Model | null = null
  private mode: Mode = 'textured'
  private frame = 0
  private before = 0
  private seen = true
  private turning = false

  /** Throws where there is no WebGL. */
  constructor(readonly canvas: OffscreenCanvas, private readonly pad: Pad, { calm, onLost, onRestored }: StageOptions) {
    this.renderer = createRenderer(canvas)
    this.renderer.toneMapping = NeutralToneMapping
    this.camera.add(this.light)
    this.scene.add(this.camera, this.ground.mesh)

    this.controls = new OrbitControls(this.camera, pad as unknown as HTMLElement)
    this.controls.enableDamping = !calm
    this.controls.dampingFactor = 0.12
    this.controls.zoomSpeed = 0.8
    this.controls.touches = { ONE: TOUCH.ROTATE, TWO: TOUCH.DOLLY_PAN }
    this.controls.addEventListener('change', this.invalidate)

    const { signal } = this.leaving
    canvas.addEventListener('webglcontextlost', (event) => { event.preventDefault(); onLost() }, { signal })
    canvas.addEventListener('webglcontextrestored', () => { onRestored(); this.invalidate() }, { signal })
  }

  /** Takes the model over: it is disposed of with the stage, or when another one comes. */
  async show(model: Model): Promise<void> {
    this.clear()
    this.model = model
    this.scene.add(model.object)
    this.looks.apply(this.mode, model.surfaces)
    this.ground.put(new Box3().setFromObject(model.object))
    this.reset()
    // Where the driver can, it compiles beside us: another model that is wanted instead does not wait for this one's shaders.
    if (this.renderer.extensions.has('KHR_parallel_shader_compile')) await this.renderer.compileAsync(this.scene, this.camera)
    if (this.model === model) this.draw() // it is to be seen the moment it is said to be there
  }

  setMode(mode: Mode): void {
    this.mode = mode
    if (this.model) this.looks.apply(mode, this.model.surfaces)
    this.invalidate()
  }

  setLight(light: Light): void {
    this.camera.remove(this.light)
    this.camera.add(this.light = lighting(light))
    this.invalidate()
  }

  setTurning(turning: boolean): void {
    this.turning = turning
    this.before = 0
    this.invalidate()
  }

  /** Off screen nothing is drawn. */
  setSeen(seen: boolean): void {
    this.seen = seen
    this.invalidate()
  }

  /** In CSS pixels, `ratio` device pixels each. */
  resize(width: number, height: number, ratio: number): void {
    if (width === 0 || height === 0) return
    this.pad.clientWidth = width
    this.pad.clientHeight = height
    this.renderer.setPixelRatio(Math.min(ratio, 2))
    this.renderer.setSize(width, height, false)
    this.camera.aspect = width / height
    this.camera.updateProjectionMatrix()
    this.draw() // at once: a resized canvas is empty until drawn
  }

  /** The first view again. */
  reset(): void {
    if (!this.model) return
    const box = new Box3().setFromObject(this.model.object)
    const { center, radius } = box.getBoundingSphere(new Sphere())
    const distance = distanceTo(box.getSize(new Vector3()), this.camera.aspect)
    this.camera.position.copy(center).addScaledVector(FROM, distance)
    this.camera.near = radius / 100
    this.camera.far = radius * 40
    this.camera.updateProjectionMatrix()
    this.controls.target.copy(center)
    this.controls.minDistance = radius * 0.4
    this.controls.maxDistance = radius * 14
    this.controls.update()
    this.invalidate()
  }

  move(move: Move): void {
    switch (move.kind) {
      case 'orbit':
        if (move.right) this.controls.rotateLeft(-move.right)
        if (move.up) this.controls.rotateUp(-move.up)
        break
      case 'pan': this.controls.pan(-move.right, move.up); break
      case 'zoom': this.controls.dollyIn(1 / move.by); break // its scale is the distance's
      case 'reset': this.reset(); break
    }
    this.invalidate()
  }

  /** Draws now, so that the canvas can be read in this very task. */
  draw(): void {
    this.controls.update()
    if (!this.renderer.getContext().isContextLost()) this.renderer.render(this.scene, this.camera)
  }

  dispose(): void {
    this.leaving.abort()
    cancelAnimationFrame(this.frame)
    this.frame = -1
    this.clear()
    this.controls.dispose()
    this.ground.dispose()
    this.renderer.renderLists.dispose()
    this.renderer.dispose()
    this.renderer.forceContextLoss()
  }

  /** Asks for a frame, if there is none to come and somebody looks. The browser gives a hidden tab none. */
  readonly invalidate = (): void => {
    if (this.frame === 0 && this.seen) this.frame = requestAnimationFrame(this.tick)
  }

  private readonly tick = (now: number): void => {
    this.frame = 0
    if (this.turning) {
      if (this.before) this.controls.rotateLeft(-TURN * Math.min(now - this.before, 100) / 1000)
      this.before = now
      this.invalidate()
    }
    this.draw() // a glide that goes on says `change`, which asks for the next frame
  }

  private clear(): void {
    this.looks.clear()
    this.model?.object.removeFromParent()
    this.model?.dispose()
    this.model = null
  }
}

/** From where a box fits the view with some air, however it is turned about its upright axis. */
export function distanceTo({ x, y, z }: Vector3, aspect: number): number {
  const across = Math.hypot(x, z) / 2
  const slope = Math.tan(FIELD * Math.PI / 360)
  return Math.max(y / 2 + across * FROM.y, across / aspect) * 1.06 / slope + across / 2
}

function createRenderer(canvas: OffscreenCanvas): WebGLRenderer {
  // Asked for here, because three.js shouts into the console where there is none.
  const context = canvas.getContext('webgl2', { antialias: true, alpha: true })
  if (!context) throw new Error('no WebGL')
  return new WebGLRenderer({ canvas, context })
}
