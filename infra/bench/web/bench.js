import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { cpus, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { api } from './api.js'
import { launch } from './browser.js'
import { models } from './models.js'
import * as scenarios from './scenarios.js'
import { serve } from './site.js'
import { report } from './table.js'

const { values: options } = parseArgs({
  options: {
    run: { type: 'string', default: '' },
    runs: { type: 'string', default: '3' },
    root: { type: 'string' },
    write: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
})

const say = text => console.error(`${new Date().toTimeString().slice(0, 8)} ${text}`)
const closing = []
let stopping = false
const close = async () => { for (const each of closing.splice(0).reverse()) await each() }
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    stopping = true
    say('stopping')
    await close()
    process.exit(130)
  })
}

try {
  const { transfers, viewer, opening, events, memory, lighthouse } = scenarios
  const wanted = Object.entries({ transfers, viewer, opening, events, memory, lighthouse }).filter(([name]) => new RegExp(options.run).test(name))
  const load = loadavg()[0]
  const made = models()
  const fake = api(made)
  const site = await serve(fake.answer, options.root)
  closing.push(() => site.close())
  Object.assign(site, { api: fake, faces: made.faces })
  const port = await freePort()
  const browser = await launch(port)
  closing.push(() => browser.close())

  const rows = []
  for (const [name, measure] of wanted) {
    say(name)
    try {
      rows.push(...await measure({ browser, site, say, port, runs: Number(options.runs) }))
    } catch (thrown) {
      if (stopping) throw thrown
      console.error(thrown)
      rows.push([name, 'could not be measured', '', '', false, String(thrown.message).split('\n')[0]])
      process.exitCode = 1
    }
  }
  const text = report(rows, `${cpus().length} cores of ${cpus()[0].model}, Chromium ${browser.version()}, WebGL by SwiftShader; load average at the start ${load.toFixed(2)}.`)
  console.log(text)
  if (options.write) await write(text)
  if (options.check && rows.some(([, , , , met]) => met === false)) process.exitCode = 1
} catch (thrown) {
  if (!stopping) console.error(thrown) // what is cut off by a signal fails, and that is no news
  process.exitCode = stopping ? 130 : 1
} finally {
  await close()
}

/** Between README.md's marks. */
async function write(text) {
  const path = fileURLToPath(new URL('README.md', import.meta.url))
  const page = await readFile(path, 'utf8')
  const marks = /(<!-- results[^>]*-->\n)[^]*(\n<!-- end of results -->)/
  if (!marks.test(page)) throw new Error('README.md has no marks for the results')
  await writeFile(path, page.replace(marks, (_, begin, end) => `${begin}\n${text}${end}`))
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address()
  await new Promise(resolve => server.close(resolve))
  return port
}
