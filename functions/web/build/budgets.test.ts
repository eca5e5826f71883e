// @vitest-environment node
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { cost, type Budget } from './budgets'

const bundle = {
  'index.js': { type: 'chunk' as const, imports: ['vendor.js'], moduleIds: ['/src/main.ts'], facadeModuleId: '/index.html', code: 'index' },
  'vendor.js': { type: 'chunk' as const, imports: [], moduleIds: ['/node_modules/vue/index.js'], code: 'vendor' },
  'view.js': { type: 'chunk' as const, imports: ['index.js', 'shared.js'], moduleIds: ['/src/View.vue?vue&type=script'], code: 'view' },
  'shared.js': { type: 'chunk' as const, imports: ['shared.js'], code: 'shared' },
  'assets/stage.worker-abc.js': { type: 'asset' as const, source: 'stage' },
}
const size = (...codes: string[]) => codes.reduce((sum, code) => sum + gzipSync(code).length, 0)
const of = (budget: Partial<Budget>) => cost({ name: 'a page', most: 0, modules: [], ...budget }, bundle)

describe('what a page costs', () => {
  it('is its chunks with all that they import, each once', () => {
    expect(of({ modules: ['index.html', 'View.vue'] })).toBe(size('index', 'vendor', 'view', 'shared'))
  })

  it('leaves out what is there already', () => {
    expect(of({ modules: ['View.vue'], beyond: ['index.html'] })).toBe(size('view', 'shared'))
  })

  it('counts workers', () => {
    expect(of({ workers: [/stage\.worker/] })).toBe(size('stage'))
  })

  it('does not pass by counting nothing', () => {
    expect(() => of({ modules: ['Renamed.vue'] })).toThrow('Renamed.vue')
    expect(() => of({ workers: [/other/] })).toThrow('other')
  })
})
