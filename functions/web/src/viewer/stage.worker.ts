import { LOADED, type FromStage, type Opening, type ToStage } from './messages'
import { Seat } from './seat'

/**
 * Stages beside the page: reading a model, compiling shaders and waiting for the graphics driver take up to a second together, and the
 * page goes on moving meanwhile.
 */
addEventListener('message', ({ data: { canvas, port, calm } }: MessageEvent<Opening>) => {
  const say = (message: FromStage) => port.postMessage(message)
  try {
    const seat = new Seat(canvas, calm, say)
    port.onmessage = ({ data }: MessageEvent<ToStage>) => {
      seat.take(data)
      if (data.kind === 'close') port.close()
    }
    say({ kind: 'opened' })
  } catch (thrown) {
    say({ kind: 'flat', detail: String(thrown) })
  }
})
postMessage(LOADED)
