import { readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, extname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import type { Plugin, ResolvedConfig } from 'vite'

const brotli = promisify(zlib.brotliCompress)
const gzip = promisify(zlib.gzip)

const TEXT = new Set(['.css', '.glb', '.html', '.js', '.json', '.mjs', '.svg', '.txt', '.wasm'])

/**
 * Writes each text file's `.br` and `.gz` beside it, so that no server compresses the same bytes twice, and says what the
 * first page loads. A copy that would not be smaller is left out.
 */
export function compress(): Plugin {
  let config: ResolvedConfig
  return {
    name: 'compress',
    apply: 'build',
    configResolved(resolved) {
      config = resolved
    },
    async closeBundle() {
      const root = resolve(config.root, config.build.outDir) // `--outDir` may be absolute
      const sizes = new Map<string, Sizes>()
      const files = await readdir(root, { recursive: true })
      await Promise.all(files.filter(file => TEXT.has(extname(file))).map(async (file) => {
        sizes.set(file, await compressed(join(root, file)))
      }))
      config.logger.info(report(sizes, await readFile(join(root, 'index.html'), 'utf8')))
    },
  }
}

interface Sizes { plain: number, gzip: number, brotli: number }

async function compressed(path: string): Promise<Sizes> {
  const plain = await readFile(path)
  const [gz, br] = await Promise.all([
    gzip(plain, { level: 9 }),
    brotli(plain, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 11, [zlib.constants.BROTLI_PARAM_SIZE_HINT]: plain.length } }),
  ])
  if (gz.length < plain.length) await writeFile(`${path}.gz`, gz)
  if (br.length < plain.length) await writeFile(`${path}.br`, br)
  return { plain: plain.length, gzip: gz.length, brotli: br.length }
}

/** A line a file, largest first; `•` marks what index.html itself names, that is the first load. */
export function report(sizes: Map<string, Sizes>, index: string): string {
  const kB = (bytes: number) => (bytes / 1000).toFixed(1).padStart(8)
  const first = (file: string) => index.includes(basename(file))
  const lines = [...sizes].sort(([, a], [, b]) => b.gzip - a.gzip)
    .map(([file, size]) => `${first(file) ? '•' : ' '} ${file.padEnd(44)}${kB(size.plain)}${kB(size.gzip)}${kB(size.brotli)}`)
  const script = [...sizes].filter(([file]) => first(file) && file.endsWith('.js')).reduce((sum, [, size]) => sum + size.gzip, 0)
  return ['', `  ${'kB'.padEnd(44)}   plain    gzip  brotli`, ...lines, `first load: ${kB(script).trim()} kB of gzipped script`].join('\n')
}
