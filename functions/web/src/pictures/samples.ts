import duck from '@/assets/samples/duck.webp'
import rocket from '@/assets/samples/rocket.webp'
import teapot from '@/assets/samples/teapot.webp'
import toadstool from '@/assets/samples/toadstool.webp'

/** Rendered by `assets/samples/render.py`: the project's own. */
export const samples = [
  { name: 'duck', url: duck },
  { name: 'toadstool', url: toadstool },
  { name: 'rocket', url: rocket },
  { name: 'teapot', url: teapot },
] as const

export type Sample = typeof samples[number]
