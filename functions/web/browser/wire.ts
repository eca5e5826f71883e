import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** A line to the system of its own, which can be held in the middle of a request, cut, and mended. */
export class Wire {
  private readonly ends = new Set<Socket>()
  private readonly held = new Set<() => void>()
  private isCut = false
  private most = Infinity
  private constructor(private readonly server: Server) {}

  static async to(url: string): Promise<Wire> {
    const server = createServer(near => wire.join(near, connect(Number(new URL(url).port), '127.0.0.1')))
    const wire = new Wire(server)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return wire
  }

  get url(): string { return `http://localhost:${(this.server.address() as AddressInfo).port}` }

  private join(near: Socket, far: Socket): void {
    for (const [end, other] of [[near, far], [far, near]] as const) {
      this.ends.add(end)
      end.on('error', () => other.destroy()).on('close', () => { this.ends.delete(end); other.destroy() })
    }
    let sent = 0
    near.on('data', (bytes: Buffer) => {
      sent += bytes.length
      if (sent <= this.most) return void far.write(bytes)
      near.pause()
      this.held.add(() => { far.write(bytes); near.resume() })
    })
    near.on('end', () => far.end())
    far.pipe(near)
    if (this.isCut) near.resetAndDestroy()
  }

  /** Passes that many bytes of each connection on and keeps the rest: a large request stays on its way for as long as it takes. */
  hold(bytes: number): void { this.most = bytes }

  release(): void {
    this.most = Infinity
    for (const goOn of this.held) goOn()
    this.held.clear()
  }

  cut(): void {
    this.isCut = true
    for (const end of this.ends) end.resetAndDestroy()
  }

  mend(): void {
    this.isCut = false
    this.held.clear() // what was under way is lost
    this.most = Infinity
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise(resolve => this.server.close(resolve))
  }
}
