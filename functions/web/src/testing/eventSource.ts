/** Stands in for the browser's in tests: each instance is kept, and says what the test has it say. */
export class FakeEventSource extends EventTarget {
  static readonly CONNECTING = 0
  static readonly OPEN = 1
  static readonly CLOSED = 2
  static all: FakeEventSource[] = []

  static get last(): FakeEventSource {
    const last = FakeEventSource.all.at(-1)
    if (!last) throw new Error('no EventSource was made')
    return last
  }

  readonly url: URL
  readyState = FakeEventSource.CONNECTING
  onopen: (() => void) | null = null
  onerror: (() => void) | null = null

  constructor(url: string | URL) {
    super()
    this.url = new URL(url)
    FakeEventSource.all.push(this)
  }

  open(): void {
    this.readyState = FakeEventSource.OPEN
    this.onopen?.()
  }

  say(kind: string, data: unknown, lastEventId = ''): void {
    if (this.readyState !== FakeEventSource.OPEN) throw new Error('said on a stream that is not open')
    this.dispatchEvent(new MessageEvent(kind, { data: typeof data === 'string' ? data : JSON.stringify(data), lastEventId }))
  }

  /** The line was cut: the browser comes back by itself. */
  drop(): void {
    this.readyState = FakeEventSource.CONNECTING
    this.onerror?.()
  }

  /** Any answer but a stream (204, 401, 502): the browser gives up. */
  refuse(): void {
    this.readyState = FakeEventSource.CLOSED
    this.onerror?.()
  }

  close(): void {
    this.readyState = FakeEventSource.CLOSED
  }
}
