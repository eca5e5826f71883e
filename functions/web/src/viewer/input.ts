/** What a hand did, in the fields that OrbitControls reads, as a message can carry it. */
export type Input = { type: string } & Partial<Record<typeof FIELDS[number], string | number | boolean>>

const FIELDS = [
  'pointerId', 'pointerType', 'button', 'clientX', 'clientY', 'pageX', 'pageY', 'ctrlKey', 'metaKey', 'shiftKey', 'deltaY', 'deltaMode', 'key',
] as const

/** Sends on what is done to `canvas`. What can't wait is decided here: who has the pointer, and that the page does not scroll. */
export function forward(canvas: HTMLCanvasElement, send: (input: Input) => void, signal: AbortSignal): void {
  const down = new Set<number>()

  canvas.addEventListener('pointerdown', (event) => {
    down.add(event.pointerId)
    canvas.setPointerCapture(event.pointerId)
    send(inputOf(event))
  }, { signal })
  canvas.addEventListener('pointermove', (event) => {
    if (down.has(event.pointerId)) send(inputOf(event))
  }, { signal })
  for (const type of ['pointerup', 'pointercancel'] as const) {
    canvas.addEventListener(type, (event) => {
      if (down.delete(event.pointerId)) send(inputOf(event))
    }, { signal })
  }
  canvas.addEventListener('wheel', (event) => {
    event.preventDefault()
    send(inputOf(event))
  }, { signal, passive: false })
  canvas.addEventListener('contextmenu', event => event.preventDefault(), { signal })
  // A pinch on a touchpad comes as a wheel with the control key, which nobody holds: the key itself tells the two apart.
  for (const type of ['keydown', 'keyup'] as const) {
    canvas.ownerDocument.addEventListener(type, (event) => {
      if (event.key === 'Control') send(inputOf(event))
    }, { signal, passive: true, capture: true })
  }
}

export function inputOf(event: Event): Input {
  const values = event as unknown as Record<string, string | number | boolean>
  return { type: event.type, ...Object.fromEntries(FIELDS.flatMap(field => field in event ? [[field, values[field]]] : [])) }
}

/** The page's canvas as OrbitControls sees it, where there is no page: in a worker. */
export class Pad extends EventTarget {
  /** Events that go beyond the canvas come to it as well. */
  readonly ownerDocument = this
  readonly style = { touchAction: '', cursor: '' }
  clientWidth = 1
  clientHeight = 1

  /** The page has taken the pointer already. */
  setPointerCapture(): void {}
  releasePointerCapture(): void {}

  receive({ type, ...values }: Input): void {
    this.dispatchEvent(Object.assign(new Event(type), values))
  }
}
