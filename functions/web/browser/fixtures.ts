import { expect, test as base, type BrowserContextOptions, type Page } from '@playwright/test'
import en from '../src/i18n/en'
import { System } from './system'
import { Watch } from './watch'
import { Worker } from './worker'

/** What a file of stories wants of the system that it is told over. */
export interface Settings {
  /** Environment of the system, over what the harness chooses. */
  env: Record<string, string>
  /** Who computes: the product's worker with its engine, or a story's own, which does what it is told. */
  hands: 'real' | 'own'
}

interface Whole {
  system: System
  worker: Worker
}

interface Each {
  /** Hears what pages complain of. */
  watch: Watch
  /** Another person, or the same one tomorrow: a browser that remembers nothing. */
  visitor: (options?: BrowserContextOptions) => Promise<Page>
  clean: void
}

export const test = base.extend<Each, Settings & Whole>({
  env: [{}, { option: true, scope: 'worker' }],
  hands: ['real', { option: true, scope: 'worker' }],

  worker: [async ({}, use) => {
    const worker = await Worker.start()
    await use(worker)
    await worker.stop()
  }, { scope: 'worker' }],

  system: [async ({ env, hands, worker }, use) => {
    const own: Record<string, string> = hands === 'own' ? { WORKER_URLS: worker.url, CALLBACK_SECRETS: worker.secret } : {}
    const system = await System.start({ SWEEP_INTERVAL: '200ms', ...own, ...env })
    await use(system)
    await system.stop()
  }, { scope: 'worker', timeout: 60_000 }],

  baseURL: async ({ system }, use) => use(system.url),

  watch: async ({ system }, use, info) => {
    const watch = new Watch()
    const before = system.log().length
    await use(watch)
    if (info.status !== info.expectedStatus) await info.attach('system.log', { body: system.log().slice(before), contentType: 'text/plain' })
    expect(watch.unexpected(), 'what the page complained of').toEqual([])
  },

  context: async ({ context, watch }, use) => {
    await watch.over(context)
    await use(context)
  },

  visitor: async ({ browser, watch, baseURL, contextOptions, locale }, use) => {
    const contexts: { close(): Promise<void> }[] = []
    await use(async (options) => {
      const context = await browser.newContext({ ...contextOptions, locale, baseURL, ...options })
      contexts.push(context)
      await watch.over(context)
      return context.newPage()
    })
    for (const context of contexts) await context.close()
  },

  clean: [async ({ system }, use) => {
    await system.clear()
    await use()
  }, { auto: true }],
})

export { expect }

/** The page's own texts: a story says what is meant, and a better wording breaks none. */
export const words = en
