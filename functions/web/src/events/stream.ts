import { asProblem, isAbort, type Problem } from '@/api/problem'
import { resolve } from '@/api/client'
import { backoff } from '@/api/retry'
import type { Task } from '@/api/schema'
import { getTask } from '@/api/tasks'
import { kinds, parseEvent, type TaskEvent } from './event'
import { hasGap, isFinal, type TaskState } from './fold'

/**
 * - `connecting`: the first answer or the line is awaited
 * - `live`: events come as they happen
 * - `waiting`: the API can't be had; there is a next try by itself
 * - `paused`: the tab is hidden; goes on when it is seen
 * - `ended`: the task is at its end, or the stream was closed
 * - `lost`: this task can't be followed (it is gone, or not this user's); nothing comes any more
 */
export type Connection = 'connecting' | 'live' | 'waiting' | 'paused' | 'ended' | 'lost'

export interface Sink {
  /** What is known of the task by now. */
  state(): TaskState | undefined
  /** Some that came together, in their order. */
  events(events: TaskEvent[]): void
  task(task: Task): void
  connection(to: Connection, problem: Problem | null): void
}

/** Milliseconds. */
export const timing = {
  /** Events that follow closer than this are told of together: a replay is one change of the page and not hundreds. */
  pace: 100,
  /** A hidden tab's stream is closed after this: an open one is billed, and takes one of six connections. */
  pause: 30_000,
  /** Without a stream for this long, `status` is asked; again and again after as much. */
  patience: 8_000,
  /** A silent stream may be held back by a proxy: `status` tells whether anything was missed. */
  silence: 60_000,
  /** A ticket lives an hour (TICKET_TTL). An older one is renewed before it is used again. */
  ticket: 50 * 60_000,
}

/**
 * One task's stream: native EventSource, which resumes by itself with `Last-Event-ID`. Where it gives up (any answer but 200: a ticket
 * that ran out, a proxy's error, 204 at the end) `status` is asked, which knows the end or a fresh ticket.
 */
export class TaskStream {
  private source: EventSource | null = null
  private timer = 0
  private hiding = 0
  private pacing = 0
  private gathered: TaskEvent[] = []
  private asking: AbortController | null = null
  private failures = 0
  private ticketSince = 0
  private connection: Connection = 'connecting'

  constructor(private readonly taskId: string, private readonly sink: Sink) {}

  open(): void {
    document.addEventListener('visibilitychange', this.onVisibility)
    window.addEventListener('online', this.retry)
    this.become('connecting')
    this.onVisibility()
    void this.ask()
  }

  close(): void {
    this.stop()
    if (this.connection !== 'lost') this.become('ended')
  }

  /** Tries at once. */
  readonly retry = (): void => {
    this.failures = 0
    if (this.connection === 'lost') return this.open()
    if (this.connection !== 'waiting' && this.connection !== 'connecting') return
    this.disconnect()
    void this.ask()
  }

  /** Asks for the status document, then listens where there is more to come. */
  private async ask(): Promise<void> {
    if (this.asking) return
    const asking = this.asking = new AbortController()
    const { signal } = asking
    try {
      const task = await getTask(this.taskId, signal).finally(() => { if (this.asking === asking) this.asking = null })
      if (signal.aborted) return
      this.ticketSince = Date.now()
      this.sink.task(task)
      this.afterAnswer()
    } catch (thrown) {
      if (signal.aborted || isAbort(thrown)) return
      this.afterFailure(asProblem(thrown))
    }
  }

  private afterAnswer(): void {
    if (this.finished()) return this.close()
    if (this.connection === 'paused') return
    if (this.connection === 'live') return this.await(timing.silence)
    if (this.connection === 'waiting') this.become('connecting')
    if (this.source && this.source.readyState !== EventSource.CLOSED) return this.await(timing.patience)
    // Behind failures of the stream itself the next one comes later and later; the first one at once.
    if (this.failures > 0) this.await(backoff(this.failures), () => this.listen())
    else this.listen()
  }

  private afterFailure(problem: Problem): void {
    if (problem.code === 'task_not_found' || problem.code === 'unauthorized') {
      this.stop()
      return this.become('lost', problem)
    }
    // A live stream needs no status document; it was only asked for to make sure.
    if (this.connection === 'live') return this.await(timing.silence)
    if (this.connection === 'paused') return
    this.become('waiting', problem)
    this.await(backoff(++this.failures, problem.retryAfter))
  }

  private listen(): void {
    this.disconnect()
    const state = this.sink.state()
    if (!state?.sseUrl) return void this.ask()
    const url = resolve(state.sseUrl)
    if (state.lastEventId > 0) url.searchParams.set('lastEventId', String(state.lastEventId))
    const source = this.source = new EventSource(url)
    source.onopen = () => { this.failures = 0; this.become('live'); this.await(timing.silence) }
    source.onerror = () => this.onError(source)
    for (const kind of kinds) source.addEventListener(kind, message => this.onMessage(kind, message))
    this.await(timing.patience)
  }

  private onMessage(kind: string, { data, lastEventId }: MessageEvent<string>): void {
    const event = parseEvent(kind, data, lastEventId)
    if (!event) return // of a kind that a later version sends
    this.gathered.push(event)
    if (!this.pacing) this.tell()
  }

  /** The first at once, those that come within the pace after it together. */
  private tell(): void {
    this.pacing = 0
    if (this.gathered.length === 0) return
    this.pacing = window.setTimeout(() => this.tell(), timing.pace)
    this.sink.events(this.gathered.splice(0))
    if (this.finished()) return this.close()
    const state = this.sink.state()
    if (state && hasGap(state)) void this.ask()
    else this.await(timing.silence)
  }

  private onError(source: EventSource): void {
    if (this.source !== source) return
    const cut = this.connection === 'live'
    if (cut) this.become('connecting')
    if (source.readyState !== EventSource.CLOSED) {
      // It comes back by itself, and says so each time that it can't: only the first time is the beginning of the wait.
      if (cut) this.await(timing.patience)
      return
    }
    this.disconnect()
    this.failures++
    void this.ask()
  }

  private readonly onVisibility = (): void => {
    clearTimeout(this.hiding)
    if (document.visibilityState === 'hidden') {
      this.hiding = window.setTimeout(() => this.pause(), timing.pause)
    } else if (this.connection === 'paused') {
      this.resume()
    }
  }

  private pause(): void {
    this.disconnect()
    this.become('paused')
  }

  private resume(): void {
    if (this.finished()) return this.close()
    this.failures = 0
    this.become('connecting')
    if (Date.now() - this.ticketSince < timing.ticket) this.listen()
    else void this.ask()
  }

  private finished(): boolean {
    const state = this.sink.state()
    return state !== undefined && isFinal(state)
  }

  /** One thing at a time is waited for; by default the next question for the status. */
  private await(ms: number, then: () => void = () => void this.ask()): void {
    clearTimeout(this.timer)
    this.timer = window.setTimeout(then, ms)
  }

  private disconnect(): void {
    clearTimeout(this.timer)
    this.asking?.abort()
    this.asking = null
    this.source?.close()
    this.source = null
    clearTimeout(this.pacing)
    this.pacing = 0
    // The stream goes on behind these: it will not send them again.
    if (this.gathered.length > 0) this.sink.events(this.gathered.splice(0))
  }

  private stop(): void {
    this.disconnect()
    clearTimeout(this.hiding)
    document.removeEventListener('visibilitychange', this.onVisibility)
    window.removeEventListener('online', this.retry)
  }

  private become(connection: Connection, problem: Problem | null = null): void {
    this.connection = connection
    this.sink.connection(connection, problem)
  }
}
