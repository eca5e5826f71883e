import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export const tree = fileURLToPath(new URL('../../..', import.meta.url))

/** Counts what WebGL makes and frees in a worker, at WebGL itself; what a lost context had is free. Stands before the worker's own script. */
const COUNTING = `{
  const kinds = ['Buffer', 'Texture', 'Program', 'VertexArray']
  const books = new WeakMap()
  const known = []
  const bookOf = (context) => {
    if (!books.has(context)) {
      books.set(context, Object.fromEntries(kinds.map(kind => [kind, 0])))
      known.push(new WeakRef(context))
    }
    return books.get(context)
  }
  for (const kind of kinds) {
    for (const [verb, step] of [['create', 1], ['delete', -1]]) {
      const real = WebGL2RenderingContext.prototype[verb + kind]
      WebGL2RenderingContext.prototype[verb + kind] = function (...args) {
        if (step > 0 || args[0]) bookOf(this)[kind] += step
        return real.apply(this, args)
      }
    }
  }
  self.watched = () => {
    const alive = known.flatMap(context => context.deref() ?? []).filter(context => !context.isContextLost())
    return Object.fromEntries(kinds.map(kind => [kind, alive.reduce((sum, context) => sum + books.get(context)[kind], 0)]))
  }
};
`

/**
 * The page as it is served: by the function of `functions/web`, with all of its headers, behind one origin with an API of ours.
 * `answer(request, response)` answers what it knows and says so by true; all else is the function's. `served` has the bytes of each path
 * as they went over the line; `counting` has the viewer's worker count what it makes on the GPU.
 */
export async function serve(answer, root = join(tree, 'functions/web/dist')) {
  const binary = join(tree, '.build/bin/web')
  if (!existsSync(binary)) throw new Error('there is no .build/bin/web: make build')
  if (!existsSync(join(root, 'index.html'))) throw new Error(`there is no page in ${root}: make web`)

  let port
  const served = new Map()
  const site = { served, counting: false }
  const server = createServer((incoming, outgoing) => {
    if (answer(incoming, outgoing)) return
    const counting = site.counting && incoming.url.includes('/stage.worker')
    const headers = counting ? { ...incoming.headers, 'accept-encoding': 'identity' } : incoming.headers
    const onward = request({ host: '127.0.0.1', port, path: incoming.url, method: incoming.method, headers })
    onward.on('response', (response) => {
      if (counting) delete response.headers['content-length']
      outgoing.writeHead(response.statusCode, response.headers)
      if (counting) outgoing.write(COUNTING)
      response.pipe(outgoing)
      let bytes = 0
      response.on('data', (part) => { bytes += part.length })
      response.on('end', () => served.set(incoming.url, bytes))
    })
    onward.on('error', error => outgoing.destroy(error))
    incoming.pipe(onward)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${server.address().port}`

  const web = spawn(binary, { env: { PORT: '0', WEB_ROOT: root, COS_BUCKET_URL: url }, stdio: ['ignore', 'pipe', 'pipe'] })
  port = await portOf(web)
  return Object.assign(site, {
    url,
    async close() {
      web.kill('SIGTERM')
      server.closeAllConnections()
      server.close()
      if (web.exitCode === null) await once(web, 'exit')
    },
  })
}

/** The function's first line of log says where it listens. */
function portOf(web) {
  return new Promise((resolve, reject) => {
    const said = []
    for (const stream of [web.stdout, web.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        said.push(line)
        const found = /(?:127\.0\.0\.1|0\.0\.0\.0|\[::\]|localhost):(\d+)/.exec(line)
        if (found) resolve(Number(found[1]))
      })
    }
    web.on('exit', code => reject(new Error(`functions/web ended with ${code}: ${said.join('\n')}`)))
    web.on('error', reject)
  })
}
