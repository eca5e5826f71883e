import { readFileSync } from 'node:fs'
import type { Picture, PicturePage, Task, TaskResult } from '../../src/api/schema'

/** What the API would answer: the contract's example messages, told of the sample pictures. */

export type Name = 'toadstool' | 'teapot' | 'duck' | 'rocket'

/** Where the examples' objects are said to be. */
export const STORAGE = 'https://recon3d-1250000000.cos.ap-guangzhou.myqcloud.com'
/** A little after the examples' times: what is `now` in every picture. */
export const NOW = new Date('2026-01-15T08:33:20.000Z')

function example<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../../../shared/contract/${name}.json`, import.meta.url), 'utf8')) as T
}

/** What each object of the storage is, by what follows its host; `null` for none. */
export function fileOf(path: string): URL | null {
  const [, name, file] = /^\/(\w+)\/([\w.]+)$/.exec(path) ?? []
  switch (file) {
    case 'original': return new URL(`../../src/assets/samples/${name}.webp`, import.meta.url)
    case 'thumbnail.png': return new URL(`${name}.webp`, import.meta.url)
    case 'pixel_images.png': return new URL('views.webp', import.meta.url)
    case 'xyz_images.png': return new URL('maps.webp', import.meta.url)
    case 'model.glb': return new URL('model.glb', import.meta.url)
    case 'report.json': return new URL('report.json', import.meta.url)
    default: return null
  }
}

function result(of: Name, name: string, size: number): TaskResult {
  const [first] = completed.results
  return { ...first!, name, size, url: `${STORAGE}/${of}/${name}`, sha256: `${of} ${name}` }
}

const completed = example<Task>('task-completed')

/** A task of its own id and picture, that many seconds old. */
function task(base: Task, n: number, of: Name, changes: Partial<Task> = {}): Task {
  return { ...base, taskId: base.taskId.slice(0, -4) + `${n}`.padStart(4, '0'), originalImageUrl: `${STORAGE}/${of}/original`, ...changes }
}

function done(n: number, of: Name, createdAt: string, seconds: number): Task {
  const finishedAt = new Date(Date.parse(createdAt) + seconds * 1000).toISOString()
  const results = [
    result(of, 'pixel_images.png', 217_711), result(of, 'xyz_images.png', 83_736), result(of, 'output3d.zip', 734_636),
    result(of, 'model.glb', readFileSync(fileOf('/toadstool/model.glb')!).length), result(of, 'thumbnail.png', 123_393),
    result(of, 'report.json', readFileSync(fileOf('/toadstool/report.json')!).length),
  ].map((file, i) => ({ ...file, createdAt: new Date(Date.parse(finishedAt) - 2000 + i * 200).toISOString() }))
  return task(completed, n, of, { results, createdAt, startedAt: createdAt, finishedAt, updatedAt: finishedAt })
}

const views = result('toadstool', 'pixel_images.png', 217_711)

export const tasks = {
  waiting: task(example<Task>('task-pending'), 6, 'teapot', { createdAt: '2026-01-15T08:33:12.000Z' }),
  working: task(example<Task>('task-processing'), 5, 'toadstool', {
    results: [{ ...views, createdAt: '2026-01-15T08:33:13.000Z' }], stage: 'texture', progress: 62, etaSeconds: 9, createdAt: '2026-01-15T08:33:06.000Z', startedAt: '2026-01-15T08:33:07.000Z',
  }),
  completed: done(4, 'toadstool', '2026-01-15T08:30:02.417Z', 12),
  failed: task(example<Task>('task-failed'), 3, 'rocket'),
  cancelled: task(example<Task>('task-cancelled'), 2, 'duck'),
} satisfies Record<string, Task>

export const list: Task[] = [
  tasks.waiting, tasks.working, tasks.completed, done(11, 'teapot', '2026-01-15T08:12:00.000Z', 9), done(12, 'rocket', '2026-01-15T06:40:00.000Z', 7),
  tasks.failed, done(13, 'duck', '2026-01-14T11:00:00.000Z', 11), tasks.cancelled,
]

const [picture] = example<PicturePage>('picture-page').items

function pictured(n: number, name: string, of: Name): Picture {
  return {
    ...picture!, id: `${picture!.id.slice(0, -4)}000${n}`, name, contentType: 'image/webp', size: 11_000 + n * 1_700, width: 640, height: 640,
    url: `${STORAGE}/${of}/original`, thumbnailUrl: `${STORAGE}/${of}/original`,
  }
}

export const pictures: Picture[] = [
  pictured(1, '青花瓷 teapot.webp', 'teapot'), pictured(2, 'toadstool.webp', 'toadstool'), pictured(3, 'bath-duck-front-view-final.webp', 'duck'),
  pictured(4, 'rocket.webp', 'rocket'),
]
