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

/** The task whose page this is. */
export function taskOf(page: Page): string {
  return new URL(page.url()).pathname.split('/').at(-1) ?? ''
}

export const taskPage = /\/app\/tasks\/[0-9a-f-]{36}$/
