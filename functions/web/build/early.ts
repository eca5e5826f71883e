import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Plugin, Rollup } from 'vite'

/** Ends of module names by what the early script knows of the visit: see `hints` in vite.config.ts. */
export type Hints = Record<string, string[]>

/**
 * Has index.html run a small classic script before anything is drawn. Vite leaves such scripts out of its build, and one that
 * stands in the page itself is what the Content-Security-Policy forbids: so it becomes a hashed asset like all others.
 * Its `data-hints` name the files that each kind of visit needs beyond those in index.html.
 */
export function early(path: string, hints: Hints = {}): Plugin {
  let source = ''
  let url = `/${path}`
  return {
    name: 'early',
    async configResolved({ root, command }) {
      if (command === 'serve') return
      source = await readFile(join(root, path), 'utf8')
      url = `/assets/early-${createHash('sha256').update(source).digest('hex').slice(0, 8)}.js`
    },
    transformIndexHtml: {
      order: 'post',
      handler(html, { bundle }) {
        const files = bundle && Object.keys(hints).length > 0 ? { 'data-hints': JSON.stringify(filesOf(hints, bundle, html)) } : {}
        return [{ tag: 'script', attrs: { src: url, ...files }, injectTo: 'head-prepend' }]
      },
    },
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: url.slice(1), source })
    },
  }
}

/** Scripts and styles of the modules and all that they import, without those that the page names itself. */
export function filesOf(hints: Hints, bundle: Rollup.OutputBundle, html: string): Record<string, string[]> {
  const chunks = Object.values(bundle).filter(file => file.type === 'chunk')
  const add = (chunk: Rollup.OutputChunk, files: Set<string>) => {
    if (files.has(chunk.fileName)) return
    files.add(chunk.fileName)
    chunk.viteMetadata?.importedCss.forEach(file => files.add(file))
    chunk.imports.forEach(name => chunks.filter(({ fileName }) => fileName === name).forEach(other => add(other, files)))
  }
  return Object.fromEntries(Object.entries(hints).map(([visit, modules]) => {
    const files = new Set<string>()
    for (const module of modules) {
      const chunk = chunks.find(({ moduleIds }) => moduleIds.some(id => id.split('?')[0]!.endsWith(module)))
      if (!chunk) throw new Error(`the early script hints at ${module}, and the build has none`)
      add(chunk, files)
    }
    return [visit, [...files].map(file => `/${file}`).filter(file => !html.includes(file))]
  }))
}
