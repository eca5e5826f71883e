import { File as NodeFile } from 'node:buffer'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import picture from '#contract/picture.json'
import grant from '#contract/upload-url.json'
import { provide } from '@/auth'
import { json, serve, type Handler } from '@/testing/server'
import { findPicture, limits, uploadPicture } from './pictures'
import { isAbort } from './problem'

let server: Awaited<ReturnType<typeof serve>>
let handle: Handler

beforeEach(async () => { server = await serve((response, request) => handle(response, request)) })
afterEach(async () => {
  provide(null)
  await server.close()
})

/** What jsdom would say in the console, as a browser does, of requests that fail. */
function complaints(): string[] {
  const { virtualConsole } = (globalThis as unknown as { jsdom: { virtualConsole: NodeJS.EventEmitter } }).jsdom
  const said: string[] = []
  virtualConsole.removeAllListeners('jsdomError').on('jsdomError', (error: Error) => said.push(error.message))
  return said
}

const file = (bytes: number) => new File([new Uint8Array(bytes)], 'teapot.png', { type: 'image/png' })

describe('in the request', () => {
  it('sends one part, with the token, and tells how far it is', async () => {
    provide({ token: async () => 'secret' })
    handle = response => json(response, 201, picture)
    const shares: number[] = []
    const uploaded = await uploadPicture(file(300_000), { onProgress: share => shares.push(share) })
    expect(uploaded.id).toBe(picture.id)
    expect(shares.at(-1)).toBe(1)
    const [request] = server.requests
    expect(request).toMatchObject({ method: 'POST', url: '/picture/upload', headers: { authorization: 'Bearer secret' } })
    expect(request?.body.match(/name="file"; filename="teapot.png"/g)).toHaveLength(1)
  })

  it('tells what the server did not like', async () => {
    handle = response => json(response, 415, { code: 'unsupported_media_type', detail: 'No picture.' })
    await expect(uploadPicture(file(10))).rejects.toMatchObject({ code: 'unsupported_media_type', detail: 'No picture.' })
  })

  it('takes HTML for no picture', async () => {
    handle = response => response.writeHead(200).end('<html>')
    await expect(uploadPicture(file(10))).rejects.toMatchObject({ code: 'not_json' })
  })

  it('is unreachable when the backend goes away meanwhile', async () => {
    const said = complaints()
    handle = response => response.destroy()
    await expect(uploadPicture(file(10))).rejects.toMatchObject({ code: 'unreachable' })
    expect(said).toEqual([expect.stringContaining('socket hang up')])
  })

  it('can be stopped, before and meanwhile', async () => {
    const stop = new AbortController()
    handle = () => stop.abort()
    expect(isAbort(await uploadPicture(file(10), { signal: stop.signal }).catch(error => error))).toBe(true)
    expect(isAbort(await uploadPicture(file(10), { signal: stop.signal }).catch(error => error))).toBe(true)
    expect(server.requests).toHaveLength(1)
  })
})

describe('an upload whose answer was lost', () => {
  const sha256 = '9834876dcfb05cb167a5c24953eba58c4ac89b1adf57f28f2f9d09af107ee8f0' // of aaa
  const sent = new NodeFile(['aaa'], 'teapot.png') as unknown as File // jsdom's can't be read
  const list = (...items: object[]) => {
    const page = { items: items.map(item => ({ ...picture, ...item })), page: 1, size: 20, total: items.length }
    handle = response => json(response, 200, page)
  }

  it('is found by its name and its bytes', async () => {
    list({ id: 'other', name: 'teapot.png', size: 3 }, { id: 'it', name: 'teapot.png', size: 3, sha256 })
    expect((await findPicture(sent))?.id).toBe('it')
  })

  it('is not taken for another one', async () => {
    list({ name: 'cup.png', size: 3, sha256 }, { name: 'teapot.png', size: 4, sha256 }, { name: 'teapot.png', size: 3 })
    expect(await findPicture(sent)).toBeUndefined()
  })
})

describe('the direct route', () => {
  const large = limits.inRequest + 1

  /** The API and, under /cos, the storage. */
  const both = (put: number): Handler => (response, { method, url }) => {
    if (method === 'PUT') return void response.writeHead(put).end('<Error/>')
    if (url === '/picture/upload-url') return json(response, 201, { ...grant, url: `${server.origin}/cos`, headers: { 'x-signed': '1' } })
    return json(response, 201, picture)
  }

  it('announces, puts with exactly the signed headers, completes', async () => {
    provide({ token: async () => 'secret' })
    handle = both(200)
    expect((await uploadPicture(file(large))).id).toBe(picture.id)
    const [announced, put, completed] = server.requests
    expect(JSON.parse(announced?.body ?? '')).toEqual({ name: 'teapot.png', contentType: 'image/png', size: large })
    expect(put?.headers).toMatchObject({ 'x-signed': '1', 'content-length': String(large) })
    expect(put?.headers.authorization).toBeUndefined() // the token is nobody else's business
    expect(completed).toMatchObject({ method: 'POST', url: `/picture/${grant.id}/complete` })
  })

  it('leaves to the browser what only it may set', async () => {
    const set = vi.spyOn(XMLHttpRequest.prototype, 'setRequestHeader')
    handle = (response, request) => request.url === '/picture/upload-url'
      ? json(response, 201, { ...grant, url: `${server.origin}/cos`, headers: { 'Content-Length': '5', 'Host': 'cos', 'x-signed': '1' } })
      : both(200)(response, request)
    await uploadPicture(file(large))
    expect(set.mock.calls).toEqual([['x-signed', '1']])
  })

  it('says so when the storage refuses, and does not complete', async () => {
    handle = both(403)
    await expect(uploadPicture(file(large))).rejects.toMatchObject({ code: 'storage_refused', status: 403 })
    expect(server.requests).toHaveLength(2)
  })
})
