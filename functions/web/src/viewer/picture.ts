import type { Paint } from './snapshot'
import type { Stage } from './stage'

/** The stage as a PNG, over its background; over nothing where that is null. */
export async function picture(stage: Stage, background: Paint | null): Promise<Blob> {
  const { width, height } = stage.canvas
  const picture = new OffscreenCanvas(width, height)
  const context = picture.getContext('2d')
  if (!context) throw new Error('no 2D canvas')
  if (background) {
    const gradient = context.createLinearGradient(0, 0, 0, height)
    gradient.addColorStop(0, background.top)
    gradient.addColorStop(1, background.bottom)
    context.fillStyle = gradient
    context.fillRect(0, 0, width, height)
  }
  stage.draw() // WebGL's canvas can be read only in the task that drew it
  context.drawImage(stage.canvas, 0, 0)
  return picture.convertToBlob({ type: 'image/png' })
}
