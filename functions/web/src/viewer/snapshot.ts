import type { Stage } from './stage'

/** The stage as a PNG, over its background; over nothing where that is null. */
export async function snapshot(stage: Stage, canvas: HTMLCanvasElement, background: Paint | null): Promise<Blob> {
  const picture = document.createElement('canvas')
  picture.width = canvas.width
  picture.height = canvas.height
  const context = picture.getContext('2d')
  if (!context) throw new Error('no 2D canvas')
  if (background) {
    const gradient = context.createLinearGradient(0, 0, 0, picture.height)
    gradient.addColorStop(0, background.top)
    gradient.addColorStop(1, background.bottom)
    context.fillStyle = gradient
    context.fillRect(0, 0, picture.width, picture.height)
  }
  stage.draw() // WebGL's canvas can be read only in the task that drew it
  context.drawImage(canvas, 0, 0)
  return new Promise((resolve, reject) => picture.toBlob(blob => blob ? resolve(blob) : reject(new Error('no PNG')), 'image/png'))
}

export interface Paint { top: string, bottom: string }

/** The colours behind an element as they are at this moment, theme and all: those of its ::before, which the stylesheet sets. */
export function paintOf(element: Element): Paint {
  const style = getComputedStyle(element)
  return { top: style.borderTopColor, bottom: style.borderBottomColor }
}

export function save(file: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(file)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
