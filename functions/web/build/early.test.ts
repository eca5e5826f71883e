// @vitest-environment node
import type { Rollup } from 'vite'
import { expect, it } from 'vitest'
import { filesOf } from './early'

const chunk = (fileName: string, moduleIds: string[], imports: string[] = [], styles: string[] = []) =>
  ({ type: 'chunk', fileName, moduleIds, imports, viteMetadata: { importedCss: new Set(styles) } }) as unknown as Rollup.OutputChunk

const bundle = Object.fromEntries([
  chunk('index.js', ['/src/main.ts'], ['vendor.js']),
  chunk('vendor.js', ['/node_modules/vue/index.js']),
  chunk('view.js', ['/src/View.vue?vue&type=script'], ['index.js', 'shared.js'], ['view.css']),
  chunk('shared.js', ['/src/Shared.vue'], ['shared.js'], ['shared.css']),
].map(each => [each.fileName, each]))

it('hints at what a view imports, styles too, and not at what the page names', () => {
  const html = '<script src="/index.js"></script><link href="/vendor.js">'
  expect(filesOf({ view: ['View.vue'] }, bundle, html)).toEqual({ view: ['/view.js', '/view.css', '/shared.js', '/shared.css'] })
})

it('does not hint at a view that was renamed', () => {
  expect(() => filesOf({ view: ['Gone.vue'] }, bundle, '')).toThrow('Gone.vue')
})
