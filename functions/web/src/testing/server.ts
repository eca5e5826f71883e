import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { vi } from 'vitest'

export interface Request { method: string, url: string, headers: IncomingMessage['headers'], body: string }

/** Answers one request; anything that node:http can do, cutting the line included. */
export type Handler = (response: ServerResponse, request: Request) => void

/** A real server on this machine which the code under test takes for its page's origin. */
export async function serve(handle: Handler) {
  const requests: Request[] = []
  const server = createServer((incoming, response) => {
    // jsdom's XMLHttpRequest comes from its own origin.
    response.setHeader('Access-Control-Allow-Origin', '*')
    response.setHeader('Access-Control-Allow-Headers', '*, Authorization, Content-Type')
    response.setHeader('Access-Control-Allow-Methods', '*, PUT, DELETE')
    response.setHeader('Access-Control-Expose-Headers', '*, Retry-After, X-Request-Id')
    if (incoming.method === 'OPTIONS') return void response.writeHead(204).end()
    const chunks: Buffer[] = []
    incoming.on('data', chunk => chunks.push(chunk))
    incoming.on('end', () => {
      const request = {
        method: incoming.method ?? '', url: incoming.url ?? '', headers: incoming.headers, body: Buffer.concat(chunks).toString('latin1'),
      }
      requests.push(request)
      handle(response, request)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  vi.stubGlobal('location', { origin })
  return {
    origin,
    requests,
    close: () => new Promise((resolve) => {
      server.closeAllConnections()
      server.close(resolve)
    }),
  }
}

export function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'Content-Type': status < 400 ? 'application/json' : 'application/problem+json', ...headers })
  response.end(JSON.stringify(body))
}
