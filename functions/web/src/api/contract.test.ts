import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import invalid from '#contract/cases/invalid.json'
import parties from '#contract/cases/parties.json'
import { parseEvent } from '@/events/event'
import { foldTask, newTask } from '@/events/fold'
import { json, serve, type Handler } from '@/testing/server'
import { getPicture, limits, listPictures, uploadPicture } from './pictures'
import { problemOf } from './problem'
import type { Task } from './schema'
import { createTask, getTask, listTasks } from './tasks'

type Example = Record<string, unknown>

const examples: Record<string, Example> = Object.fromEntries(
  Object.entries(import.meta.glob<Example>('../../../../shared/contract/*.json', { eager: true, import: 'default' }))
    .map(([path, example]) => [path.replace(/^.*\/|\.json$/g, ''), example]),
)
const ours = Object.entries(parties).filter(([, languages]) => languages.includes('typescript')).map(([name]) => name)

let server: Awaited<ReturnType<typeof serve>>
let handle: Handler

beforeEach(async () => { server = await serve((response, request) => handle(response, request)) })
afterEach(async () => { await server.close() })

/** What a call makes of an example as its answer. */
function answered<T>(status: number, example: Example, act: () => Promise<T>): Promise<T> {
  handle = response => json(response, status, example)
  return act()
}

const problem = (example: Example) => problemOf({ status: Number(example.status), header: () => null, text: JSON.stringify(example) })

const event = (name: string, example: Example) => parseEvent(name.split('-')[1]!, JSON.stringify(example), name === 'event-progress' ? '' : '3')

/** What the page makes of each example that comes to it, or writes where it is the one who does. */
const readers: Record<string, (example: Example, name: string) => unknown> = {
  'picture': async example => expect(await answered(200, example, () => getPicture('x'))).toEqual(example),
  'picture-page': async example => expect(await answered(200, example, () => listPictures(1, 20))).toEqual(example),
  'task-list': async example => expect(await answered(200, example, () => listTasks())).toEqual(example),
  'create-task': async example => expect(await answered(202, example, () => createTask('x'))).toEqual(example),
  'create-task-request': async (example) => {
    await answered(202, {}, () => createTask(String(example.imageId), example.formats as never))
    expect(JSON.parse(server.requests[0]!.body)).toEqual(example)
  },
  'picture-announcement': async (example) => {
    await announce(example)
    expect(JSON.parse(server.requests[0]!.body)).toEqual(example)
  },
  'upload-url': async (example) => {
    await announce(examples['picture-announcement']!)
    const [, put, completed] = server.requests
    expect([put?.method, completed?.url]).toEqual([example.method, `/picture/${String(example.id)}/complete`])
    expect(put?.headers['content-type']).toBe((example.headers as Record<string, string>)['Content-Type'])
  },
}

/** Uploads a file that an announcement is about by the direct route; the storage is the server's too. */
async function announce(announcement: Example) {
  const grant = examples['upload-url']!
  handle = (response, { method, url }) => {
    if (method === 'PUT') return void response.writeHead(200).end()
    json(response, 201, url === '/picture/upload-url' ? { ...grant, url: `${server.origin}/cos` } : examples.picture)
  }
  const file = new File([], String(announcement.name), { type: String(announcement.contentType) })
  Object.defineProperty(file, 'size', { value: announcement.size })
  expect(announcement.size).toBeGreaterThan(limits.inRequest)
  await uploadPicture(file)
}

function readerOf(name: string): typeof readers[string] | undefined {
  if (name.startsWith('event-')) return example => expect(event(name, example)).toMatchObject({ kind: name.split('-')[1], data: example })
  if (name.startsWith('problem-')) {
    return ({ code, status, detail, requestId, errors }) => expect(problem({ code, status, detail, requestId, errors })).toMatchObject({
      code, status, detail, requestId, errors: errors ?? [],
    })
  }
  if (name.startsWith('task-') && name !== 'task-list') {
    return async (example) => {
      const { taskId, status, attempt, results, error } = await answered(200, example, () => getTask('x'))
      expect(foldTask(newTask(taskId), example as unknown as Task)).toMatchObject({ taskId, status, attempt, results, error })
    }
  }
  return readers[name]
}

it.each(ours)('%s is read as it is written', async (name) => {
  const reader = readerOf(name)
  expect(reader, 'a reader of it').toBeDefined()
  await reader!(examples[name]!, name)
})

/** An example with what a JSON pointer leads to changed, or taken away. */
function spoilt(example: Example, { at, be }: { at: string, be?: unknown }): Example {
  const copy = structuredClone(example)
  const path = at.split('/').slice(1)
  const last = path.pop()!
  const holder = path.reduce<Example>((within, step) => within[step] as Example, copy)
  if (be === undefined) delete holder[last]
  else holder[last] = be
  return copy
}

describe('what is wrong is not taken for what it says', () => {
  const cases = Object.entries(invalid).flatMap(([name, all]) =>
    all.filter(({ refusedBy }) => (refusedBy as string[]).includes('typescript')).map(wrong => [name, wrong.why, wrong] as const))

  it.each(cases)('%s with %s', (name, _, wrong) => {
    const document = spoilt(examples[name]!, wrong)
    if (name.startsWith('event-')) return expect(event(name, document)).toBeNull()
    expect(name).toMatch(/^problem-/)
    const { code, status } = problem(document)
    expect([code, status]).toEqual([problemOf({ status, header: () => null, text: '' }).code, examples[name]!.status])
  })

  it('has cases', () => expect(cases.length).toBeGreaterThan(10))
})
