// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import rateLimited from '#contract/problem-rate-limited.json'
import taskNotFound from '#contract/problem-task-not-found.json'
import validationFailed from '#contract/problem-validation-failed.json'
import { provide } from '@/auth'
import { json, serve, type Handler } from '@/testing/server'
import { call } from './client'
import { isAbort, Problem } from './problem'

let server: Awaited<ReturnType<typeof serve>>
let handle: Handler

beforeEach(async () => { server = await serve((response, request) => handle(response, request)) })
afterEach(async () => {
  provide(null)
  await server.close()
})

/** What the call fails with. */
async function failure(act: Promise<unknown>): Promise<Problem> {
  const thrown = await act.then(() => { throw new Error('it did not fail') }, error => error)
  if (!(thrown instanceof Problem)) throw thrown
  return thrown
}

describe('a call', () => {
  it('sends JSON and answers JSON', async () => {
    handle = response => json(response, 200, { ok: true })
    const answer = await call('/api/x', { method: 'POST', body: { imageId: 'ä' }, query: { page: 2, cursor: undefined }, headers: { 'Idempotency-Key': 'k' } })
    expect(answer).toEqual({ ok: true })
    expect(server.requests[0]).toMatchObject({
      method: 'POST', url: '/api/x?page=2', headers: { 'content-type': 'application/json', 'idempotency-key': 'k', 'accept': 'application/json' },
    })
    expect(server.requests[0]?.headers.authorization).toBeUndefined()
  })

  it('answers nothing on 204', async () => {
    handle = response => response.writeHead(204).end()
    expect(await call('/x', { method: 'DELETE' })).toBeUndefined()
  })
})

describe('a problem document', () => {
  it.each([taskNotFound, rateLimited, validationFailed])('is told by its code: $code', async (document) => {
    handle = response => json(response, document.status, document, { 'Retry-After': '7' })
    const { code, status, detail, requestId, retryAfter, errors } = await failure(call('/x'))
    expect({ code, status, detail, requestId, retryAfter }).toEqual({
      code: document.code, status: document.status, detail: document.detail, requestId: document.requestId, retryAfter: 7,
    })
    expect(errors).toEqual('errors' in document ? document.errors : [])
  })

  it('of a code that a later version knows is what its status says', async () => {
    handle = response => json(response, 413, { ...taskNotFound, code: 'too_heavy', detail: 'Too heavy.' })
    expect(await failure(call('/x'))).toMatchObject({ code: 'payload_too_large', detail: 'Too heavy.' })
  })
})

describe('an answer that is not the API\'s', () => {
  const page = '<!doctype html><title>nginx</title>'

  it.each([
    [200, 'not_json'], [302, 'not_json'], [401, 'unauthorized'], [404, 'not_json'], [413, 'payload_too_large'], [429, 'rate_limited'],
    [500, 'internal'], [502, 'unavailable'], [503, 'unavailable'], [504, 'unavailable'],
  ])('HTML with %i is %s', async (status, code) => {
    handle = response => response.writeHead(status, { 'Content-Type': 'text/html' }).end(page)
    expect(await failure(call('/x'))).toMatchObject({ code, status })
  })

  it('nothing with 200 is not_json', async () => {
    handle = response => response.writeHead(200).end()
    expect((await failure(call('/x'))).code).toBe('not_json')
  })

  it.each([['Mon, 01 Jan 2001 00:00:00 GMT', 1], ['soon', undefined], ['0', 1], ['3', 3]])('Retry-After %s is %s', async (value, seconds) => {
    handle = response => response.writeHead(503, { 'Retry-After': value }).end()
    expect((await failure(call('/x'))).retryAfter).toBe(seconds)
  })
})

describe('no answer', () => {
  it('is unreachable when nobody listens', async () => {
    await server.close()
    expect(await failure(call('/x'))).toMatchObject({ code: 'unreachable', status: 0, transient: true })
  })

  it('is unreachable when the line is cut in mid-answer', async () => {
    handle = (response) => {
      response.writeHead(200, { 'Content-Length': '100' }).write('{')
      setTimeout(() => response.destroy(), 10)
    }
    expect((await failure(call('/x'))).code).toBe('unreachable')
  })

  it('stays an abort when the caller gave up', async () => {
    const stop = new AbortController()
    handle = () => stop.abort()
    const thrown = await call('/x', { signal: stop.signal }).catch(error => error)
    expect(isAbort(thrown)).toBe(true)
  })

  it('stays an abort when the caller gave up in mid-answer', async () => {
    const stop = new AbortController()
    handle = (response) => {
      response.writeHead(200, { 'Content-Length': '100' }).write('{')
      setTimeout(() => stop.abort(), 20)
    }
    const thrown = await call('/x', { signal: stop.signal }).catch(error => error)
    expect(isAbort(thrown)).toBe(true)
  })
})

describe('the token', () => {
  it('is sent, and asked for once more when it has run out', async () => {
    const refused: (string | undefined)[] = []
    provide({ token: async (old) => { refused.push(old); return old ? 'fresh' : 'old' } })
    handle = (response, { headers }) => headers.authorization === 'Bearer fresh' ? json(response, 200, 1) : json(response, 401, { code: 'unauthorized' })
    expect(await call('/x')).toBe(1)
    expect(refused).toEqual([undefined, 'old'])
  })

  it('is not tried again when there is no other', async () => {
    provide({ token: async () => 'old' })
    handle = response => json(response, 401, { code: 'unauthorized', detail: 'no' })
    expect((await failure(call('/x'))).code).toBe('unauthorized')
    expect(server.requests).toHaveLength(1)
  })
})
