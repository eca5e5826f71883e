import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { until } from './processes'
import { archive, model, strip } from './results'

/** A worker whose every word is the story's: it takes each task, and then does nothing unless it is told to. */
export class Worker {
  readonly secret = `whsec_${randomBytes(32).toString('base64')}`
  readonly jobs = new Map<string, Job>()
  private constructor(private readonly server: Server) {}

  static async start(): Promise<Worker> {
    const server = createServer((request, response) => {
      void worker.answer(request, response).catch((thrown) => { response.writeHead(500).end(String(thrown)) })
    })
    const worker = new Worker(server)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return worker
  }

  get url(): string { return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}` }

  async stop(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise(resolve => this.server.close(resolve))
  }

  /** The work on a task, as soon as it is handed over. `attempt`: not before that one. */
  job(taskId: string, attempt = 1): Promise<Job> {
    return until(`attempt ${attempt} of task ${taskId} is handed over`, () => {
      const job = this.jobs.get(taskId)
      return job && job.attempt >= attempt ? job : undefined
    })
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const [path, id = ''] = request.url?.slice(1).split('/') ?? []
    if (path === 'health') return json(response, 200, { status: 'healthy', models_loaded: true })
    if (!this.signed(request, body)) return json(response, 401, { detail: 'signature' })
    if (request.method === 'DELETE') {
      const job = this.jobs.get(id)
      if (job) job.stopped = true
      return json(response, job ? 202 : 404, {})
    }
    const form = await new Response(new Uint8Array(body), { headers: { 'Content-Type': request.headers['content-type'] ?? '' } }).formData()
    const [taskId, attempt] = [String(form.get('task_id')), Number(form.get('attempt'))]
    this.jobs.set(taskId, new Job(taskId, attempt, String(form.get('callback_url')), this.secret))
    json(response, 202, { status: 'accepted', task_id: taskId })
  }

  private signed({ headers }: IncomingMessage, body: Buffer): boolean {
    const [id, at] = [String(headers['webhook-id']), String(headers['webhook-timestamp'])]
    return String(headers['webhook-signature']).split(' ').includes(sign(this.secret, id, at, body))
  }
}

/** One attempt at a task, and what the worker may say of it (contract, section 6). */
export class Job {
  /** It was told to stop. */
  stopped = false
  constructor(readonly taskId: string, readonly attempt: number, private readonly callback: string, private readonly secret: string) {}

  progress(progress: number, stage: string, more: object = {}) { return this.status('processing', { progress, stage, ...more }) }
  failed(code: string, message: string) { return this.status('failed', { error: { code, message } }) }
  released() { return this.status('released') }
  completed() { return this.status('completed') }

  file(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const form = new FormData()
    form.set('name', name)
    form.set('attempt', String(this.attempt))
    form.set('file', new Blob([bytes]), name)
    return this.send('result', `/result/${this.taskId}`, new Response(form))
  }

  /** All that a task needs to be completed, with a small model. `files` replaces, adds, or by null leaves out. */
  async finish(files: Record<string, Uint8Array<ArrayBuffer> | null> = {}): Promise<void> {
    const all = {
      'pixel_images.png': strip(0), 'xyz_images.png': strip(90), 'model.glb': model(), 'output3d.zip': archive(), ...files,
    }
    for (const [name, bytes] of Object.entries(all)) if (bytes) await this.file(name, bytes)
    await this.completed()
  }

  private status(status: string, more: object = {}): Promise<void> {
    const body = JSON.stringify({ taskId: this.taskId, status, attempt: this.attempt, ...more })
    return this.send('status', '/status', new Response(body, { headers: { 'Content-Type': 'application/json' } }))
  }

  private async send(kind: string, path: string, message: Response): Promise<void> {
    const body = Buffer.from(await message.arrayBuffer())
    const [id, at] = [`${kind}:${this.taskId}:${this.attempt}:${randomUUID()}`, String(Math.floor(Date.now() / 1000))]
    const headers = {
      'Content-Type': message.headers.get('Content-Type') ?? '',
      'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': sign(this.secret, id, at, body),
    }
    const answer = await fetch(this.callback + path, { method: 'POST', headers, body })
    if (!answer.ok) throw new Error(`${kind} of ${this.taskId}: ${answer.status} ${await answer.text()}`)
  }
}

/** Standard Webhooks 1.0.0. */
function sign(secret: string, id: string, at: string, body: Buffer): string {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
  return `v1,${createHmac('sha256', key).update(`${id}.${at}.`).update(body).digest('base64')}`
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
}
