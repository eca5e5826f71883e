import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { followDeployments } from './newDeployment'

const page = (entry: string) => `<!doctype html><html><head><script type="module" crossorigin src="${entry}"></script></head></html>`
const reload = vi.fn()
let asked: Promise<unknown>

beforeAll(() => followDeployments(reload))
beforeEach(() => {
  reload.mockReset()
  sessionStorage.clear()
  document.head.innerHTML = '<script type="module" src="/assets/index-old.js"></script>'
})
afterEach(() => { document.head.innerHTML = '' })

async function scriptIsGone(answer: () => Promise<Response>) {
  vi.stubGlobal('fetch', vi.fn(() => asked = answer()))
  window.dispatchEvent(new Event('vite:preloadError'))
  await asked.catch(() => {})
  await new Promise(resolve => setTimeout(resolve)) // what follows upon the answer
}

const serves = (entry: string) => scriptIsGone(async () => new Response(page(entry)))

it('loads the page anew where there is another one by now, and not a second time', async () => {
  await serves('/assets/index-new.js')
  expect(reload).toHaveBeenCalledOnce()
  await serves('/assets/index-new.js') // and still the old one stands here: a cache in between
  expect(reload).toHaveBeenCalledOnce()
  await serves('/assets/index-newer.js')
  expect(reload).toHaveBeenCalledTimes(2)
})

it('stays where nothing else is to be had', async () => {
  await serves('/assets/index-old.js')
  await scriptIsGone(async () => new Response('<h1>Sign in</h1>'))
  await scriptIsGone(async () => new Response(page('/assets/index-new.js'), { status: 503 }))
  await scriptIsGone(async () => { throw new TypeError('no network') })
  expect(reload).not.toHaveBeenCalled()
})

it('stays where a browser keeps nothing, for it could not tell a second time from the first', async () => {
  vi.spyOn(Storage.prototype, 'getItem').mockImplementation(() => { throw new DOMException('denied') })
  await serves('/assets/index-new.js')
  expect(reload).not.toHaveBeenCalled()
})
