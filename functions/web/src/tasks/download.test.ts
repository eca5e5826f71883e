import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import completed from '#contract/task-completed.json'
import type { Task } from '@/api/schema'
import { useTasks } from '@/stores/tasks'
import { serve, type Handler } from '@/testing/server'
import { download } from './download'

let server: Awaited<ReturnType<typeof serve>>
let handle: Handler
const saved: { name: string, file: Blob }[] = []

beforeEach(async () => {
  setActivePinia(createPinia())
  server = await serve((response, request) => handle(response, request))
  saved.length = 0
  let made: Blob
  vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
    saved.push({ name: this.download, file: made })
  })
  URL.createObjectURL = (file: Blob) => { made = file; return 'blob:made' }
  URL.revokeObjectURL = () => {}
})
afterEach(() => server.close())

function take(size: number) {
  const result = { ...(completed as Task).results[0]!, name: 'model.glb', size, url: `${server.origin}/model.glb` }
  useTasks().takeTask({ ...completed as Task, results: [result] })
}

it('saves the file, and tells how much of it has come', async () => {
  take(4)
  const shares: number[] = []
  handle = (response) => {
    response.writeHead(200, { 'Content-Type': 'model/gltf-binary' }).write('ab')
    // The rest only when the first half has been counted, so that it comes as one of its own.
    void vi.waitFor(() => expect(shares).toEqual([0.5])).then(() => response.end('cd'))
  }
  await download(completed.taskId, 'model.glb', share => shares.push(share))
  expect(shares).toEqual([0.5, 1])
  expect(saved).toMatchObject([{ name: 'model.glb', file: { size: 4, type: 'model/gltf-binary' } }])
})

it('saves nothing of a file that the storage refuses or breaks off', async () => {
  take(4)
  handle = response => response.writeHead(403).end('<Error/>')
  await expect(download(completed.taskId, 'model.glb')).rejects.toMatchObject({ code: 'storage_refused', status: 403 })
  handle = (response) => {
    response.writeHead(200, { 'Content-Length': '4' }).write('ab')
    setImmediate(() => response.destroy())
  }
  await expect(download(completed.taskId, 'model.glb')).rejects.toMatchObject({ code: 'unreachable' })
  await expect(download(completed.taskId, 'none.glb')).rejects.toMatchObject({ code: 'not_found' })
  expect(saved).toEqual([])
})
