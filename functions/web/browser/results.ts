import { glb, objZip } from '../src/testing/viewer/models'
import { png } from './png'

/** Six tiles side by side in six hues, as an engine hands in its views. */
export const strip = (hue: number) => png(384, 64, (x, y) => {
  const tile = Math.floor(x / 64)
  return [(tile * 40 + hue) % 256, y * 4 % 256, 255 - tile * 40]
})

export const model = () => glb()
export const archive = () => objZip()

/** A few bytes that say they are a gigabyte of model: what unpacks it by what it is told fills the memory. */
export function bomb(): Uint8Array<ArrayBuffer> {
  return objZip({ extra: { 'more.bin': new Uint8Array(300 * 1024 * 1024) } })
}

/** An archive whose names lead out of the folder that it is unpacked to. */
export const climber = () => objZip({ extra: { '../../etc/cron.d/model': new Uint8Array([1]) } })
