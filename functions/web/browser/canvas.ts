import { expect, type Page } from '@playwright/test'
import { pixels } from './png'

const RGB = [0, 1, 2] as const

export interface Sight {
  /** How much of the middle of the picture is not background, 0 to 1. */
  share: number
  /** Points of the middle, three bytes each. */
  points: Uint8Array
}

/** As far apart as colours have to be to count as different, of 255. */
const CLEARLY = 24

/**
 * Looks at a picture of a model. The background changes from top to bottom only, so each row's own left end is what it is compared with.
 * Tools and legends at the edges are left out.
 */
export function look(image: Buffer): Sight {
  const { data, width, height, channels } = pixels(image)
  const points: number[] = []
  let model = 0
  for (let y = Math.floor(height * 0.25); y < height * 0.75; y += 2) {
    const left = (y * width + Math.floor(width * 0.02)) * channels
    for (let x = Math.floor(width * 0.15); x < width * 0.85; x += 2) {
      const at = (y * width + x) * channels
      if (RGB.some(c => Math.abs(data[at + c]! - data[left + c]!) > CLEARLY)) model++
      for (const c of RGB) points.push(data[at + c]!)
    }
  }
  return { share: model / (points.length / 3), points: Uint8Array.from(points) }
}

/** The share of the points in which two sights differ. */
export function difference(a: Sight, b: Sight): number {
  let different = 0
  for (let at = 0; at < a.points.length; at += 3) {
    if (RGB.some(c => Math.abs(a.points[at + c]! - b.points[at + c]!) > CLEARLY)) different++
  }
  return different / (a.points.length / 3)
}

/** What the canvas on the page shows. */
export async function lookAt(page: Page): Promise<Sight> {
  return look(await page.locator('canvas').screenshot())
}

/** What the canvas shows once it hardly moves: a turn runs out frame by frame, and frames take their time in software. */
export async function lookWhenStill(page: Page): Promise<Sight> {
  let before = await lookAt(page)
  await expect.poll(async () => {
    const now = await lookAt(page)
    const moved = difference(now, before)
    before = now
    return moved
  }, { message: 'the model stands still', timeout: 30_000 }).toBeLessThan(0.01)
  return before
}
