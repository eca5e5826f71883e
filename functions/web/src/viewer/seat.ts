import { ModelError } from './failure'
import { Pad } from './input'
import type { Facts, FromStage, ToStage } from './messages'
import { readModel } from './model'
import { picture } from './picture'
import { Stage } from './stage'

/** A stage and the messages that it lives by. Throws where there is no WebGL. */
export class Seat {
  private readonly pad = new Pad()
  private readonly stage: Stage
  private readonly leaving = new Map<number, AbortController>()

  constructor(canvas: OffscreenCanvas, calm: boolean, private readonly say: (message: FromStage) => void) {
    this.stage = new Stage(canvas, this.pad, { calm, onLost: () => say({ kind: 'lost' }), onRestored: () => say({ kind: 'restored' }) })
  }

  take(message: ToStage): void {
    switch (message.kind) {
      case 'show': return void this.answer(message.id, this.show(message))
      case 'shoot': return void this.answer(message.id, picture(this.stage, message.background))
      case 'leave': return this.leaving.get(message.id)?.abort()
      case 'tell': return this.tell(message)
      case 'input': return this.pad.receive(message.input)
      case 'close':
        this.leaving.forEach(controller => controller.abort())
        return this.stage.dispose()
    }
  }

  private async show({ id, source, bytes }: ToStage & { kind: 'show' }): Promise<Facts> {
    const controller = new AbortController()
    this.leaving.set(id, controller)
    try {
      const model = await readModel(source, bytes, controller.signal)
      await this.stage.show(model)
      return { faces: model.faces, invented: model.surfaces.some(({ invented }) => invented) }
    } finally {
      this.leaving.delete(id)
    }
  }

  private tell({ name, args }: ToStage & { kind: 'tell' }): void {
    const method = this.stage[name] as (this: Stage, ...args: unknown[]) => void
    method.apply(this.stage, args)
  }

  private async answer(id: number, asked: Promise<Facts | Blob>): Promise<void> {
    try {
      this.say({ kind: 'done', id, value: await asked })
    } catch (thrown) {
      const failure = thrown instanceof ModelError ? thrown.failure : null
      this.say({ kind: 'failed', id, failure, detail: thrown instanceof Error ? thrown.message : String(thrown) })
    }
  }
}
