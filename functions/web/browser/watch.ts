import type { BrowserContext } from '@playwright/test'

/** Listens for what a page complains of where only its makers look: a story that does not expect it fails by it. */
export class Watch {
  private readonly complaints: string[] = []
  private readonly expected: RegExp[] = []

  async over(context: BrowserContext): Promise<void> {
    context.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(`${message.text()} (${message.location().url})`)
    })
    context.on('weberror', error => this.complaints.push(`${error.error().stack ?? error.error().message}`))
    await context.addInitScript(() => document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
      console.error(`Content-Security-Policy: ${violatedDirective} forbids ${blockedURI}`)
    }))
  }

  /** What belongs to the story: an answer that it forges is written to the console by the browser itself. */
  expect(...patterns: RegExp[]): void {
    this.expected.push(...patterns)
  }

  unexpected(): string[] {
    return this.complaints.filter(text => !this.expected.some(pattern => pattern.test(text)))
  }
}

/** The browser's own words about answers and lines that fail. */
export const failedRequest = /^Failed to load resource/
