import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Problem } from '@/api/problem'
import type { TaskResult } from '@/api/schema'
import { serve, type Handler } from '@/testing/server'
import { ModelError } from './failure'
import { fetchResult, type Results } from './fetchResult'

const BODY = 'glTF and so on'

let server: Awaited<ReturnType<typeof serve>>
let handle: Handler
let size: number
const tasks: Results = {
  freshResult: vi.fn(async (_, name) => name === 'model.glb' ? { name, url: `${location.origin}/model.glb`, size } as TaskResult : undefined),
  refresh: vi.fn(async () => {}),
}

beforeEach(async () => {
  size = BODY.length
  server = await serve((response, request) => handle(response, request))
})
afterEach(() => server.close())

const get = (options = {}, name = 'model.glb') => fetchResult(tasks, 'id', name, options)
const failure = async (name = 'model.glb') => {
  const thrown: unknown = await get({}, name).then(() => { throw new Error('it did not fail') }, error => error)
  return thrown instanceof ModelError ? thrown.failure : thrown instanceof Problem ? thrown.code : thrown
}

describe('fetchResult', () => {
  it('answers the bytes and tells how far it is', async () => {
    handle = response => response.end(BODY)
    const shares: number[] = []
    expect(new TextDecoder().decode(await get({ onShare: (share: number) => shares.push(share) }))).toBe(BODY)
    expect(shares.at(-1)).toBe(1)
  })

  it('needs nobody to tell', async () => {
    handle = response => response.end(BODY)
    expect((await get()).length).toBe(size)
  })

  it('asks for a fresh URL once where this one has run out', async () => {
    const answers = [403, 200]
    handle = response => response.writeHead(answers.shift() ?? 500).end(BODY)
    expect((await get()).length).toBe(size)
    expect(tasks.refresh).toHaveBeenCalledWith('id')
  })

  it.each<[string, Handler]>([
    ['refused', response => response.writeHead(403).end()],
    ['refused', response => response.writeHead(500).end()],
    ['gone', response => response.writeHead(404).end()],
    ['page', response => response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(BODY)],
    ['truncated', response => response.end(BODY.slice(0, 5))],
    ['damaged', response => response.end(`${BODY} and more`)],
    ['unreachable', response => response.destroy()],
    ['unreachable', (response) => { response.writeHead(200, { 'Content-Length': size }); response.write('glT', () => response.destroy()) }],
  ])('answers %s', async (expected, handler) => {
    handle = handler
    expect(await failure()).toBe(expected)
  })

  it('says that there is no such result', async () => {
    expect(await failure('model.stl')).toBe('gone')
  })

  it('does not begin what would not fit', async () => {
    size = 300e6
    expect(await failure()).toBe('too_large')
    expect(server.requests).toEqual([])
  })

  it('stops when it is told to', async () => {
    const leave = new AbortController()
    handle = (response) => { response.write('glT', () => leave.abort()) }
    await expect(get({ signal: leave.signal })).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }))
  })
})
