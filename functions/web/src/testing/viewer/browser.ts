import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { chromium, type Browser } from 'playwright-core'
import elementPlus from 'unplugin-element-plus/vite'
import { build } from 'vite'
import { watched } from './watched'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const here = 'src/testing/viewer'

/** What `functions/web` sends with every page, as far as it can hinder the viewer. */
const POLICY = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "font-src 'self'", "img-src 'self' blob: data:",
  "connect-src 'self' blob:", "worker-src 'self'", "base-uri 'none'", "object-src 'none'",
].join('; ')

const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' }

export interface File { name: string, body: Uint8Array, type?: string, size?: number }

export const TASK = '019bc0c6-a4b1-7ebb-829f-a86d481c2625'

/** Before the worker's own script, so that nothing is made unseen. */
const WATCHING = `self.watched = (${watched})();\n`

/** The viewer's bench as built for production, behind the page's policy, with a task whose results are `files`. */
export async function serveBench() {
  const out = await mkdtemp(join(tmpdir(), 'viewer-bench-'))
  await build({
    root,
    configFile: false,
    logLevel: 'warn',
    plugins: [vue(), elementPlus({})],
    resolve: {
      alias: { '@': join(root, 'src'), '#contract': join(root, '../../shared/contract'), 'vue-i18n': 'vue-i18n/dist/vue-i18n.runtime.esm-bundler.js' },
    },
    define: {
      __VUE_OPTIONS_API__: true, __VUE_PROD_DEVTOOLS__: false,
      __VUE_I18N_LEGACY_API__: false, __VUE_I18N_FULL_INSTALL__: false, __INTLIFY_PROD_DEVTOOLS__: false,
    },
    build: {
      outDir: out, emptyOutDir: true, target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false },
      chunkSizeWarningLimit: 1000, rollupOptions: { input: join(root, here, 'bench.html') },
    },
  })

  let files: File[] = []
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://bench').pathname
    const file = files.find(({ name }) => path === `/files/${name}`)
    if (file) return response.writeHead(200, { 'Content-Type': file.type ?? 'application/octet-stream' }).end(file.body)
    if (path === `/api/reconstruction/status/${TASK}`) {
      return response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(task(files, `http://${request.headers.host}`)))
    }
    const asset = await readFile(join(out, path === '/' ? `${here}/bench.html` : path)).catch(() => null)
    if (!asset) return response.writeHead(404).end()
    response.writeHead(200, { 'Content-Type': TYPES[extname(path) || '.html'] ?? 'application/octet-stream', 'Content-Security-Policy': POLICY })
    return response.end(path.includes('stage.worker') ? WATCHING + asset : asset)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    put: (...results: File[]) => { files = results },
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
      await rm(out, { recursive: true })
    },
  }
}

/** Debian's chromium, drawing WebGL in software. */
export function launch(...args: string[]): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', ...args],
  })
}

function task(files: File[], origin: string) {
  const at = '2026-01-15T08:30:02.417Z'
  return {
    taskId: TASK, imageId: TASK, status: 'COMPLETED', progress: 100, stage: 'upload', attempt: 1,
    originalImageUrl: null, pixelImagesUrl: null, xyzImagesUrl: null, outputZipUrl: null, error: null, errorMessage: null,
    createdAt: at, updatedAt: at, startedAt: at, finishedAt: at, sseUrl: '/none',
    results: files.map(({ name, body, size }) => ({
      name, url: `${origin}/files/${name}`, size: size ?? body.length, sha256: `${name} ${body.length}`, contentType: 'application/octet-stream', createdAt: at,
    })),
  }
}
