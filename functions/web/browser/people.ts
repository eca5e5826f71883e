import type { Locator, Page } from '@playwright/test'
import type { Photo } from './photos'

/** Drags a file from elsewhere over the page and lets it go there. */
export async function drop(page: Page, { name, mimeType, buffer }: Photo): Promise<void> {
  const dataTransfer = await page.evaluateHandle(({ name, mimeType, base64 }) => {
    const transfer = new DataTransfer()
    const bytes = Uint8Array.from(atob(base64), char => char.charCodeAt(0))
    transfer.items.add(new File([bytes], name, { type: mimeType }))
    return transfer
  }, { name, mimeType, base64: buffer.toString('base64') })
  for (const type of ['dragenter', 'dragover', 'drop']) await page.dispatchEvent('main', type, { dataTransfer })
}

/** Chooses files in the browser's dialog. */
export async function choose(page: Page, files: Photo | string, button: Locator): Promise<void> {
  const asked = page.waitForEvent('filechooser')
  await button.click()
  await (await asked).setFiles(files)
}

/** Lets a page send that many bytes a second; what is answered lets it send as fast as it can. */
export async function slowly(page: Page, bytes: number): Promise<() => Promise<void>> {
  const session = await page.context().newCDPSession(page)
  const send = (uploadThroughput: number) =>
    session.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput })
  await session.send('Network.enable')
  await send(bytes)
  return () => send(-1).then(() => undefined)
}

/** The task whose page this is. */
export function taskOf(page: Page): string {
  return new URL(page.url()).pathname.split('/').at(-1) ?? ''
}

export const taskPage = /\/app\/tasks\/[0-9a-f-]{36}$/
