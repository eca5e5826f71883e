import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test as base, type Page } from '@playwright/test'
import type { Picture, Task } from '../../src/api/schema'
import { fileOf, NOW, STORAGE } from './data'

const dist = fileURLToPath(new URL('../../dist', import.meta.url))

const types: Record<string, string> = {
  '.css': 'text/css', '.html': 'text/html', '.js': 'text/javascript', '.svg': 'image/svg+xml', '.webp': 'image/webp', '.woff2': 'font/woff2',
  '.json': 'application/json', '.glb': 'model/gltf-binary',
}

/** What the API knows, in a picture. */
export interface World { pictures?: Picture[], tasks?: Task[] }

/** The built page by itself: whatever it asks for is answered as the test says, and it is always the same moment. */
export const test = base.extend<{ world: (answers: World) => Promise<void> }, { site: string }>({
  site: [async ({}, use) => {
    await readFile(join(dist, 'index.html')).catch(() => { throw new Error('There is no built page: make web') })
    const server = createServer(async (request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://site')
      const name = pathname.startsWith('/assets/') ? pathname : 'index.html'
      const body = await readFile(join(dist, name)).catch(() => null)
      response.writeHead(body ? 200 : 404, { 'Content-Type': types[extname(name)] ?? 'text/plain' }).end(body)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    server.closeAllConnections()
    server.close()
  }, { scope: 'worker' }],

  baseURL: async ({ site }, use) => use(site),

  world: async ({ page }, use) => {
    await page.clock.setFixedTime(NOW)
    await use(({ pictures = [], tasks = [] }) => answer(page, pictures, tasks))
  },
})

async function answer(page: Page, pictures: Picture[], tasks: Task[]): Promise<void> {
  await page.route('**/picture/list/page?*', route => route.fulfill({ json: { items: pictures, page: 1, size: 20, total: pictures.length } }))
  await page.route('**/api/reconstruction/list?*', route => route.fulfill({ json: { items: tasks, nextCursor: null } }))
  await page.route('**/api/reconstruction/status/*', (route) => {
    const task = tasks.find(({ taskId }) => route.request().url().endsWith(taskId))
    return task
      ? route.fulfill({ json: task })
      : route.fulfill({ status: 404, contentType: 'application/problem+json', json: { code: 'task_not_found', status: 404 } })
  })
  // A stream of which nothing has come yet: what is shown is what the status said.
  await page.route('**/api/reconstruction/events/**', () => {})
  await page.route(`${STORAGE}/**`, async (route) => {
    const file = fileOf(new URL(route.request().url()).pathname)
    const headers = { 'Access-Control-Allow-Origin': '*' }
    if (!file) return route.fulfill({ status: 404, headers })
    return route.fulfill({ body: await readFile(file), contentType: types[extname(file.pathname)], headers })
  })
}
