import type { BrowserContext, Page } from '@playwright/test'

export interface Heard { task: string, kind: string, id: string }

declare global {
  interface Window { heard: Heard[], stages: string[] }
}

/** Writes down each event that comes to a page, before the page sees it, and each stage that the page tells of. */
export async function listenIn(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    const heard: Heard[] = window.heard = []
    window.EventSource = class extends EventSource {
      constructor(url: string | URL, init?: EventSourceInit) {
        super(url, init)
        const task = String(url).match(/[0-9a-f-]{36}/)?.[0] ?? ''
        for (const kind of ['status', 'result', 'progress']) {
          this.addEventListener(kind, ({ lastEventId }: MessageEvent) => heard.push({ task, kind, id: lastEventId }))
        }
      }
    }
    const stages: string[] = window.stages = []
    new MutationObserver(() => {
      const now = document.querySelector('.timeline [aria-current="step"]')?.textContent?.trim()
      if (now && now !== stages.at(-1)) stages.push(now)
    }).observe(document, { subtree: true, childList: true, characterData: true, attributes: true })
  })
}

/** The numbers of a task's durable events, as they came to the page since it was loaded. */
export async function numbers(page: Page, task: string): Promise<number[]> {
  const heard = await page.evaluate(() => window.heard)
  return heard.filter(event => event.task === task && event.kind !== 'progress').map(({ id }) => Number(id))
}

/** 1, 2, 3 … n. */
export const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1)

/** The stages that the page has shown since it was loaded. */
export function shownStages(page: Page): Promise<string[]> {
  return page.evaluate(() => window.stages)
}
