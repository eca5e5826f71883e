// @vitest-environment node
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { build, createLogger } from 'vite'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { compress } from './compress'
import { early } from './early'

let root: string
let said = ''

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'compress-'))
  await writeFile(join(root, 'index.html'), '<!doctype html><title>x</title><script type="module" src="./main.js"></script>')
  await writeFile(join(root, 'main.js'), `document.title = '${'all the same '.repeat(200)}'; import('./later.js')`)
  await writeFile(join(root, 'later.js'), 'export const a = 1; console.log(a)')
  await writeFile(join(root, 'theme.js'), 'document.documentElement.dataset.theme = "dark"')
  await build({
    root,
    configFile: false,
    customLogger: { ...createLogger('silent'), info(text) { said += text } },
    build: { modulePreload: { polyfill: false } },
    plugins: [early('theme.js'), compress()],
  })
})
afterAll(() => rm(root, { recursive: true }))

it('leaves copies beside each file that they are smaller than', async () => {
  const assets = join(root, 'dist/assets')
  const files = await readdir(assets)
  const main = files.find(file => /^index-.*\.js$/.test(file))!
  const plain = await readFile(join(assets, main), 'utf8')
  expect(gunzipSync(await readFile(join(assets, `${main}.gz`))).toString()).toBe(plain)
  expect(brotliDecompressSync(await readFile(join(assets, `${main}.br`))).toString()).toBe(plain)
  expect(files.filter(file => file.startsWith('later'))).toHaveLength(1) // too small
})

it('finds the files wherever they are built to', async () => {
  const outDir = await mkdtemp(join(tmpdir(), 'elsewhere-'))
  try {
    await build({ root, configFile: false, logLevel: 'silent', build: { outDir, emptyOutDir: true }, plugins: [compress()] })
    expect(await readdir(join(outDir, 'assets'))).toContainEqual(expect.stringMatching(/\.js\.br$/))
  } finally {
    await rm(outDir, { recursive: true })
  }
})

it('says what the first page loads', () => {
  expect(said).toMatch(/• assets\/index-\S+\.js/)
  expect(said).toMatch(/ {2}assets\/later-\S+\.js/)
  expect(said).toMatch(/first load: \d\.\d kB of gzipped script/)
})

it('has the early script as an asset by its hash, before all else', async () => {
  const page = await readFile(join(root, 'dist/index.html'), 'utf8')
  const [, url] = /<script src="(\/assets\/early-[0-9a-f]{8}\.js)">/.exec(page) ?? []
  expect(page.indexOf(url!)).toBeLessThan(page.indexOf('type="module"'))
  expect(await readFile(join(root, 'dist', url!), 'utf8')).toContain('dataset.theme')
})
