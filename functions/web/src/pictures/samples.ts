import duck from '@/assets/samples/duck.webp'
import duckTurn from '@/assets/samples/duck-turn.webp'
import rocket from '@/assets/samples/rocket.webp'
import rocketTurn from '@/assets/samples/rocket-turn.webp'
import teapot from '@/assets/samples/teapot.webp'
import teapotTurn from '@/assets/samples/teapot-turn.webp'
import toadstool from '@/assets/samples/toadstool.webp'
import toadstoolTurn from '@/assets/samples/toadstool-turn.webp'

/** The project's own: pictures by `assets/samples/render.py`, and by `turns.py` what the engine makes of them, TILES views in a row. */
export const samples = [
  { name: 'toadstool', url: toadstool, turn: toadstoolTurn },
  { name: 'teapot', url: teapot, turn: teapotTurn },
  { name: 'duck', url: duck, turn: duckTurn },
  { name: 'rocket', url: rocket, turn: rocketTurn },
] as const

export const TILES = 24

export type Sample = typeof samples[number]
