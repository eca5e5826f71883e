import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Plugin } from 'vite'

/**
 * Has index.html run a small classic script before anything is drawn. Vite leaves such scripts out of its build, and one that
 * stands in the page itself is what the Content-Security-Policy forbids: so it becomes a hashed asset like all others.
 */
export function early(path: string): Plugin {
  let source = ''
  let url = `/${path}`
  return {
    name: 'early',
    async configResolved({ root, command }) {
      if (command === 'serve') return
      source = await readFile(join(root, path), 'utf8')
      url = `/assets/early-${createHash('sha256').update(source).digest('hex').slice(0, 8)}.js`
    },
    transformIndexHtml: () => [{ tag: 'script', attrs: { src: url }, injectTo: 'head-prepend' }],
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: url.slice(1), source })
    },
  }
}
