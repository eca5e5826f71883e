import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** A line to the system of its own, which can be cut in the middle of a request and mended. */
export class Wire {
  private readonly ends = new Set<Socket>()
  private isCut = false
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
      end.pipe(other)
    }
    if (this.isCut) near.resetAndDestroy()
  }

  cut(): void {
    this.isCut = true
    for (const end of this.ends) end.resetAndDestroy()
  }

  mend(): void { this.isCut = false }

  async close(): Promise<void> {
    this.cut()
    await new Promise(resolve => this.server.close(resolve))
  }
}
