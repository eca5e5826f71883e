import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import elementPlus from 'unplugin-element-plus/vite'
import { defineConfig } from 'vitest/config'
import { budgets } from './build/budgets.ts'
import { compress } from './build/compress.ts'
import { early } from './build/early.ts'

/** Every view and every language. */
const firstLoad = { name: 'first load', most: 150_000, modules: ['/index.html'] }

const api = process.env.API ?? 'http://localhost:8080'

export default defineConfig({
  plugins: [
    vue(),
    process.env.VITEST ? [] : elementPlus({}), // tests look at no styles, and Node loads no .css
    early('src/shell/early.js'),
    compress(),
    budgets([
      firstLoad,
      {
        name: 'the viewer', most: 250_000, modules: ['/ModelViewer.vue'], workers: [/\/stage\.worker-/, /\/objArchive\.worker-/],
        beyond: firstLoad.modules,
      },
    ]),
  ],
  resolve: {
    alias: {
      '@': fileURLToPath(new URL('./src', import.meta.url)),
      '#contract': fileURLToPath(new URL('../../shared/contract', import.meta.url)),
    },
  },
  define: {
    __VUE_OPTIONS_API__: true, // Element Plus has components in that style.
    __VUE_PROD_DEVTOOLS__: false,
    __VUE_I18N_LEGACY_API__: false,
    __VUE_I18N_FULL_INSTALL__: false,
    __INTLIFY_PROD_DEVTOOLS__: false,
  },
  build: {
    target: 'es2022',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'], // those that know light-dark()
    // No data: URLs but for what is tiny, and none for scripts: the page's Content-Security-Policy has no exceptions.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // What changes with a dependency and not with us stays in the browser's cache when we change.
        codeSplitting: { groups: [{ name: 'vendor', test: /node_modules\/(@vue|vue|vue-router|pinia|@intlify|vue-i18n)\// }] },
      },
    },
    reportCompressedSize: false, // compress() says what is really sent.
  },
  server: { proxy: { '/api': api, '/picture': api } },
  preview: { proxy: { '/api': api, '/picture': api } },
  test: {
    environment: 'jsdom',
    include: ['{src,build}/**/*.test.ts'],
    restoreMocks: true,
    unstubGlobals: true,
  },
})
