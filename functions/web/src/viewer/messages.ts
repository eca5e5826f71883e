import type { ModelFailure } from './failure'
import type { Input } from './input'
import type { Paint } from './snapshot'
import type { SourceKind } from './source'
import type { Stage } from './stage'

/** What the page may tell the stage to do without waiting for an answer. */
export type Order = 'setMode' | 'setLight' | 'setTurning' | 'setSeen' | 'resize' | 'move' | 'reset'

/** The worker's first word: its script is there. */
export const LOADED = 'loaded'

/** From the page to the worker: another stage. All that follows goes by its port. */
export interface Opening { canvas: OffscreenCanvas, port: MessagePort, calm: boolean }

/** From the page to a stage. Those with an `id` are answered by it. */
export type ToStage =
  | { kind: 'show', id: number, source: SourceKind, bytes: Uint8Array<ArrayBuffer> }
  | { kind: 'shoot', id: number, background: Paint | null }
  | { kind: 'leave', id: number } // nobody waits for that model any more
  | { [Name in Order]: { kind: 'tell', name: Name, args: Parameters<Stage[Name]> } }[Order]
  | { kind: 'input', input: Input }
  | { kind: 'close' }

/** From a stage to the page. */
export type FromStage =
  | { kind: 'opened' }
  | { kind: 'flat', detail: string } // no WebGL
  | { kind: 'done', id: number, value: Facts | Blob }
  | { kind: 'failed', id: number, failure: ModelFailure | null, detail: string }
  | { kind: 'lost' }
  | { kind: 'restored' }

/** What is to be said of a model that shows. */
export interface Facts { faces: number, invented: boolean }
