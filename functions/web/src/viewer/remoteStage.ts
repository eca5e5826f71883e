import { ModelError } from './failure'
import { forward } from './input'
import { LOADED, type Facts, type FromStage, type Opening, type Order, type ToStage } from './messages'
import type { Paint } from './snapshot'
import type { SourceKind } from './source'
import type { Stage } from './stage'

/** This browser or machine gives no WebGL, or none beside the page. */
export class NoWebGL extends Error {
  override name = 'NoWebGL'
}

/** The worker's script could not be had. */
export class ScriptMissing extends Error {
  override name = 'ScriptMissing'
}

export interface RemoteOptions {
  /** Without glides: for who wants no motion. */
  calm: boolean
  onLost(): void
  onRestored(): void
}

interface Waiting { resolve(value: never): void, reject(reason: unknown): void }

/** The page's end of a stage, which lives in a worker and draws onto this page's canvas from there. */
export class RemoteStage {
  /** Rejects with NoWebGL or ScriptMissing; with the latter the canvas is as it was. */
  readonly ready: Promise<void>
  private readonly channel = new MessageChannel()
  private readonly leaving = new AbortController()
  private readonly waiting = new Map<number, Waiting>()
  private asked = 0

  constructor(private readonly canvas: HTMLCanvasElement, private readonly options: RemoteOptions) {
    this.ready = this.open()
    forward(canvas, input => this.send({ kind: 'input', input }), this.leaving.signal)
    this.holdTouch(false)
  }

  /** Reads a file and shows what is in it, in place of what was there. Takes `bytes` over. Throws a ModelError; the reason of `signal`. */
  async show(source: SourceKind, bytes: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<Facts> {
    signal.throwIfAborted()
    const id = ++this.asked
    const leave = () => this.send({ kind: 'leave', id })
    signal.addEventListener('abort', leave, { once: true })
    try {
      return await this.ask<Facts>({ kind: 'show', id, source, bytes }, [bytes.buffer])
    } catch (thrown) {
      throw signal.aborted ? signal.reason : thrown
    } finally {
      signal.removeEventListener('abort', leave)
    }
  }

  /** What is seen, as a PNG. */
  shoot(background: Paint | null): Promise<Blob> {
    return this.ask<Blob>({ kind: 'shoot', id: ++this.asked, background })
  }

  tell<Name extends Order>(name: Name, ...args: Parameters<Stage[Name]>): void {
    this.send({ kind: 'tell', name, args } as ToStage)
  }

  /** In a page a finger that moves up or down scrolls the page; where the stage is all there is, it turns the model. */
  holdTouch(all: boolean): void {
    this.canvas.style.touchAction = all ? 'none' : 'pan-y'
  }

  /** Gives the GPU all back. */
  dispose(): void {
    this.send({ kind: 'close' })
    this.ready.catch(() => {}).finally(() => this.channel.port1.close())
    this.leaving.abort()
    for (const { reject } of this.waiting.values()) reject(new DOMException('the stage was closed', 'AbortError'))
    this.waiting.clear()
  }

  private async open(): Promise<void> {
    const worker = await loadWorker()
    this.leaving.signal.throwIfAborted()
    const { port1, port2 } = this.channel
    return new Promise((resolve, reject) => {
      port1.onmessage = ({ data }: MessageEvent<FromStage>) => {
        if (data.kind === 'opened') resolve()
        else if (data.kind === 'flat') reject(new NoWebGL(data.detail))
        else this.take(data)
      }
      try {
        // Only now: a canvas can be handed over once, and a script that does not come could not give it back.
        const canvas = this.canvas.transferControlToOffscreen()
        worker.postMessage({ canvas, port: port2, calm: this.options.calm } satisfies Opening, [canvas, port2])
      } catch (cause) {
        reject(new NoWebGL('no canvas for a worker', { cause }))
      }
    })
  }

  private take(message: Exclude<FromStage, { kind: 'opened' | 'flat' }>): void {
    switch (message.kind) {
      case 'done': return this.settle(message.id)?.resolve(message.value as never)
      case 'failed': {
        const { id, failure, detail } = message
        return this.settle(id)?.reject(failure ? new ModelError(failure, detail) : new Error(detail))
      }
      case 'lost': return this.options.onLost()
      case 'restored': return this.options.onRestored()
    }
  }

  private settle(id: number): Waiting | undefined {
    const found = this.waiting.get(id)
    this.waiting.delete(id)
    return found
  }

  private ask<T>(message: ToStage & { id: number }, transfer: Transferable[] = []): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.waiting.set(message.id, { resolve, reject })
      this.send(message, transfer, reject)
    })
  }

  /** In the order of the calls, also of those that came before it was open. One that can't be opened says so by `ready`. */
  private send(message: ToStage, transfer: Transferable[] = [], failed: (reason: unknown) => void = () => {}): void {
    this.ready.then(() => this.channel.port1.postMessage(message, transfer), failed)
  }
}

let loaded: Promise<Worker> | undefined

/**
 * One worker for all stages, one after the other: it keeps three.js, and nothing of a stage that was closed. A page waits for a worker
 * that ends, a tenth of a second and more where that one had a GPU.
 */
function loadWorker(): Promise<Worker> {
  return loaded ??= new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./stage.worker.ts', import.meta.url), { type: 'module' })
    const failed = (event: ErrorEvent) => {
      loaded = undefined
      reject(new ScriptMissing(event.message))
    }
    worker.addEventListener('error', failed, { once: true })
    worker.onmessage = ({ data }) => {
      if (data !== LOADED) return
      worker.removeEventListener('error', failed) // from now on its faults have their answers
      resolve(worker)
    }
  })
}
