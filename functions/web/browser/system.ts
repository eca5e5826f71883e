import { spawn, type ChildProcess } from 'node:child_process'
import { copyFileSync, cpSync, existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Picture, Task } from '../src/api/schema'
import { childOf, until } from './processes'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** What has to be built before, and what builds it. */
const needed = {
  '.build/bin/local': 'make build',
  'functions/web/dist/index.html': 'make web',
  'functions/worker/.venv/bin/python': 'make worker',
}

/**
 * The whole product on this machine, as `make up` starts it. It runs what is built in copies of its own: a build meanwhile changes
 * nothing, and a function can be taken away for good.
 */
export class System {
  url = ''
  private readonly host: ChildProcess
  private readonly ended: Promise<string>
  private readonly lines: string[] = []

  private constructor(private readonly dir: string, env: Record<string, string>) {
    this.host = spawn(join(dir, 'bin', 'local'), ['up'], {
      cwd: root,
      env: { PATH: process.env.PATH, HOME: dir, PORT: '0', DATA_DIR: join(dir, 'data'), WEB_ROOT: join(dir, 'site'), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.ended = new Promise(resolve => this.host.once('exit', (code, signal) => resolve(`${signal ?? `status ${code}`}`)))
    this.host.stderr?.setEncoding('utf8').on('data', (text: string) => this.lines.push(text))
  }

  static async start(env: Record<string, string>): Promise<System> {
    for (const [path, target] of Object.entries(needed)) {
      if (!existsSync(join(root, path))) throw new Error(`There is no ${path}: run \`${target}\` at the root of the repository.`)
    }
    const dir = mkdtempSync(join(tmpdir(), 'recon3d-browser-'))
    mkdirSync(join(dir, 'bin'))
    for (const name of readdirSync(join(root, '.build/bin'))) link(join(root, '.build/bin', name), join(dir, 'bin', name))
    cpSync(join(root, 'functions/web/dist'), join(dir, 'site'), { recursive: true })
    const system = new System(dir, env)
    try {
      system.url = await system.ready()
    } catch (thrown) {
      await system.stop().catch(() => undefined) // the first reason is the better one
      throw thrown
    }
    return system
  }

  private ready(): Promise<string> {
    return new Promise((resolve, reject) => {
      let out = ''
      this.host.stdout?.setEncoding('utf8').on('data', (text: string) => {
        const [, at] = /^ready (\S+)$/m.exec(out += text) ?? []
        if (at) resolve(at)
      })
      void this.ended.then(how => reject(new Error(`The system ended by ${how} before it was ready:\n${this.log()}`)))
    })
  }

  async stop(): Promise<void> {
    this.host.kill('SIGTERM')
    const late = setTimeout(() => this.host.kill('SIGKILL'), 30_000)
    const how = await this.ended
    clearTimeout(late)
    rmSync(this.dir, { recursive: true, force: true })
    if (how !== 'status 0') throw new Error(`The system ended by ${how}:\n${this.log()}`)
  }

  log(): string { return this.lines.join('') }

  /** The process of a function. */
  pid(program: string): Promise<number> {
    return until(`a process of ${program}`, () => this.host.pid && childOf(this.host.pid, program))
  }

  /** Ends a function at once. The host starts it again. */
  async kill(program: string): Promise<void> {
    process.kill(await this.pid(program), 'SIGKILL')
  }

  /** Ends a function and lets none take its place until what is answered is called. */
  async away(program: string): Promise<() => void> {
    const [here, elsewhere] = [join(this.dir, 'bin', program), join(this.dir, program)]
    renameSync(here, elsewhere)
    await this.kill(program)
    return () => { if (existsSync(elsewhere)) renameSync(elsewhere, here) }
  }

  /** Holds a function where it is until what is answered is called. */
  async hold(program: string): Promise<() => void> {
    const pid = await this.pid(program)
    process.kill(pid, 'SIGSTOP')
    return () => { process.kill(pid, 'SIGCONT') }
  }

  /** Holds the worker's engine where it is until what is answered is called. The worker itself takes tasks and tells that it lives. */
  async holdEngine(): Promise<() => void> {
    const worker = await this.pid('python')
    const engine = await until('the engine', () => childOf(worker, 'python'))
    process.kill(engine, 'SIGSTOP')
    return () => { process.kill(engine, 'SIGCONT') }
  }

  /** A call of the API from outside of the browser. */
  async call<T>(path: string, init?: RequestInit): Promise<T> {
    const response = await fetch(new URL(path, this.url), init)
    if (!response.ok) throw new Error(`${init?.method ?? 'GET'} ${path}: ${response.status} ${await response.text()}`)
    return (response.status === 204 ? undefined : await response.json()) as T
  }

  task(id: string): Promise<Task> { return this.call(`/api/reconstruction/status/${id}`) }

  async pictures(): Promise<Picture[]> {
    return (await this.call<{ items: Picture[] }>('/picture/list/page?page=1&size=100')).items
  }

  async tasks(): Promise<Task[]> {
    return (await this.call<{ items: Task[] }>('/api/reconstruction/list?limit=100')).items
  }

  async upload(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<Picture> {
    const form = new FormData()
    form.set('file', new Blob([bytes]), name)
    return this.call('/picture/upload', { method: 'POST', body: form })
  }

  /** Makes a task, and tells its id. */
  async order(picture: Picture): Promise<string> {
    const body = JSON.stringify({ imageId: picture.id })
    const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body }
    return (await this.call<{ taskId: string }>('/api/reconstruction/create-from-image', init)).taskId
  }

  /** Deletes what earlier stories left: a list shows what its own story has made. */
  async clear(): Promise<void> {
    for (const { taskId } of await this.tasks()) await this.call(`/api/reconstruction/status/${taskId}`, { method: 'DELETE' })
    for (const { id } of await this.pictures()) await this.call(`/picture/${id}`, { method: 'DELETE' })
  }
}

/** A second name is as good as a copy, where both are on one file system. */
function link(from: string, to: string): void {
  try {
    linkSync(from, to)
  } catch {
    copyFileSync(from, to)
  }
}
