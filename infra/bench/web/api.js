import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { models as made, USUAL } from './models.js'
import { png } from './png.js'
import { tree } from './site.js'

const example = name => JSON.parse(readFileSync(join(tree, 'shared/contract', `${name}.json`), 'utf8'))

const FACES = { task: example('task-completed'), list: example('task-list'), pictures: example('picture-page'), result: example('event-result') }

/** Milliseconds between events: 20 a second. */
const PACE = 50
/** Moves that the stream replays: a task that was handed over again and again. */
const REPLAYED = 60

const id = n => `019bc0c6-a4b1-7ebb-829f-${n.toString(16).padStart(12, '0')}`
/** The tasks that have a page here. */
export const tasks = { done: id(1), glb: id(2), zip: id(3), live: id(4) }

/**
 * An API that answers what the real one would, by the contract's own examples: pictures, tasks at their end with their files, and one
 * that runs, whose stream sends 20 events a second until it is told to end.
 */
export function api(models) {
  const strip = (side, hue) => png(side * 6, side, (x, y) => {
    const inside = Math.hypot((x % side) / side - 0.5, y / side - 0.5) < 0.38
    return inside ? [hue, 90 + 120 * (x % side) / side, 80 + 140 * y / side] : [244, 243, 240]
  })
  const files = new Map(Object.entries({
    'photo.png': png(640, 640, (x, y) => Math.hypot(x - 320, y - 320) < 220 ? [190, 120 + y / 8, 90] : [236, 234, 229]),
    'pixel_images.png': strip(256, 200),
    'xyz_images.png': strip(256, 90),
    'thumbnail.png': png(256, 256, (x, y) => [200, x, y]),
    'report.json': Buffer.from(JSON.stringify({ vertices: 50451, faces: 100000, watertight: true })),
    'model.glb': models['model.glb'],
    'output3d.zip': models['output3d.zip'],
    'usual/model.glb': made(USUAL)['model.glb'],
  }))
  const order = [...files.keys()].filter(name => name !== 'photo.png' && !name.includes('/'))
  const had = { [tasks.done]: order.map(name => name === 'model.glb' ? 'usual/model.glb' : name), [tasks.glb]: ['model.glb'], [tasks.zip]: ['output3d.zip'] }
  const streams = new Set()

  function result(origin, name) {
    const type = { png: 'image/png', json: 'application/json', glb: 'model/gltf-binary', zip: 'application/zip' }[name.split('.').at(-1)]
    return {
      name: name.split('/').at(-1), url: `${origin}/files/${name}`, size: files.get(name).length, contentType: type,
      sha256: Buffer.from(name.padEnd(32, '.')).toString('hex'), createdAt: FACES.task.createdAt,
    }
  }

  function task(origin, taskId) {
    const photo = `${origin}/files/photo.png`
    const ended = { ...FACES.task, taskId, originalImageUrl: photo, results: (had[taskId] ?? order).map(name => result(origin, name)) }
    if (taskId !== tasks.live) return ended
    return {
      ...FACES.list.items[0], taskId, originalImageUrl: photo, results: [], progress: 0, attempt: 1,
      sseUrl: `/api/reconstruction/events/${taskId}?ticket=none`,
    }
  }

  function stream(origin, response) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
    const told = teller(origin, name => result(origin, name))
    for (let i = 0; i < REPLAYED; i++) response.write(told.move())
    const timer = setInterval(() => response.write(told.next()), PACE)
    const close = () => {
      clearInterval(timer)
      streams.delete(close)
      response.end()
    }
    streams.add(close)
    response.on('close', close)
  }

  function json(response, body) {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }).end(JSON.stringify(body))
    return true
  }

  return {
    /** Ends the streams that are open. */
    silence: () => streams.forEach(close => close()),
    answer({ url, headers }, response) {
      const origin = `http://${headers.host}`
      const [, area, ...rest] = new URL(url, origin).pathname.split('/')
      const [last] = rest.slice(-1)
      const name = rest.join('/')
      if (area === 'files' && files.has(name)) {
        const { contentType, size } = result(origin, name)
        response.writeHead(200, { 'Content-Type': contentType, 'Content-Length': size, 'Cache-Control': 'private, max-age=600' }).end(files.get(name))
        return true
      }
      if (area === 'picture') {
        const items = FACES.pictures.items.map(item => ({ ...item, url: `${origin}/files/photo.png`, thumbnailUrl: `${origin}/files/thumbnail.png` }))
        return json(response, { ...FACES.pictures, items })
      }
      if (area !== 'api') return false
      if (rest.at(-2) === 'status') return json(response, task(origin, last))
      if (last === 'list') return json(response, { items: Array.from({ length: 20 }, (_, i) => task(origin, i ? id(i + 100) : tasks.done)), nextCursor: null })
      if (rest.at(-2) === 'events') stream(origin, response)
      else response.writeHead(404).end()
      return true
    },
  }
}

/** Events in the stream's form. In turns: progress with a stage, progress, a result, progress, and a move to another attempt at times. */
function teller(origin, result) {
  const stages = ['read', 'matte', 'depth', 'mesh', 'texture', 'views', 'pack', 'upload']
  const landing = ['pixel_images.png', 'xyz_images.png', 'thumbnail.png', 'model.glb', 'output3d.zip']
  let [number, turn, attempt] = [0, 0, 1]
  const frame = (kind, data, numbered) => {
    const body = JSON.stringify({ taskId: tasks.live, ...data, at: new Date().toISOString() })
    return `event: ${kind}\n${numbered ? `id: ${++number}\n` : ''}data: ${body}\n\n`
  }
  const move = () => {
    const waiting = number % 2 === 0
    if (!waiting) attempt++
    return frame('status', { status: waiting ? 'PENDING' : 'PROCESSING', attempt: attempt - 1 || 1 }, true)
  }
  return {
    move,
    next() {
      turn++
      if (turn % 5 === 3) {
        const name = landing[Math.floor(turn / 5) % landing.length]
        return frame('result', { ...FACES.result, ...result(name), attempt: attempt - 1, taskId: tasks.live }, true)
      }
      if (turn % 100 === 0) return move() + move()
      return frame('progress', { progress: turn % 400 / 4, stage: stages[Math.floor(turn / 7) % stages.length], etaSeconds: 20 - turn / 20 })
    },
  }
}
