import { flushPromises, mount, type VueWrapper } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { defineComponent, h, nextTick } from 'vue'
import { createMemoryHistory, createRouter } from 'vue-router'
import cancelled from '#contract/task-cancelled.json'
import completed from '#contract/task-completed.json'
import failed from '#contract/task-failed.json'
import pending from '#contract/task-pending.json'
import processing from '#contract/task-processing.json'
import { Problem } from '@/api/problem'
import type { Task } from '@/api/schema'
import * as api from '@/api/tasks'
import { i18n, setLanguage } from '@/i18n'
import { useTasks } from '@/stores/tasks'
import { FakeEventSource } from '@/testing/eventSource'
import ReconstructionView from './ReconstructionView.vue'

vi.mock('@/api/tasks')
vi.mock('@/viewer/ModelViewer.vue', () => ({
  __esModule: true, // by which Vue tells a module from a component
  default: defineComponent({
    props: { taskId: String, results: Array<{ name: string }> },
    setup: props => () => h('div', { 'data-test': 'model' }, props.results?.map(({ name }) => name).join(' ')),
  }),
}))

const id = completed.taskId
const router = createRouter({
  history: createMemoryHistory(),
  routes: [{ path: '/', component: {} }, { path: '/app/tasks', name: 'tasks', component: {} }, { path: '/app/tasks/:id', name: 'task', component: {} }],
})
let page: VueWrapper

beforeAll(() => setLanguage('en'))
beforeEach(async () => {
  vi.resetAllMocks()
  FakeEventSource.all = []
  vi.stubGlobal('EventSource', FakeEventSource)
  setActivePinia(createPinia())
  await router.push(`/app/tasks/${id}`)
})
afterEach(() => page.unmount())

async function open(task: unknown) {
  if (task instanceof Problem) vi.mocked(api.getTask).mockRejectedValue(task)
  else vi.mocked(api.getTask).mockResolvedValue({ ...task as Task, taskId: id })
  page = mount(ReconstructionView, { props: { id }, attachTo: document.body, global: { plugins: [i18n, router] } })
  await flushPromises()
}

const headline = () => page.get('h1').text()
const headings = () => page.findAll('h2').map(heading => heading.text())
const button = (label: string) => page.findAll('button, a').find(one => one.text() === label)
const model = () => page.find('[data-test="model"]')

/** The stream's next word. */
async function told(kind: string, number: number, data: object) {
  if (FakeEventSource.last.readyState === FakeEventSource.CONNECTING) FakeEventSource.last.open()
  FakeEventSource.last.say(kind, { taskId: id, attempt: 1, at: '2026-01-15T08:30:09.000Z', ...data }, number ? `${number}` : '')
  await vi.waitFor(() => nextTick())
  await flushPromises()
}

it('keeps the place while nothing is known', async () => {
  vi.mocked(api.getTask).mockReturnValue(new Promise(() => {}))
  page = mount(ReconstructionView, { props: { id }, global: { plugins: [i18n, router] } })
  await nextTick()
  expect(headline()).toBe('Reconstruction')
  expect(page.get('.blank').attributes('aria-label')).toBe('Loading')
})

describe('while it runs', () => {
  it('waits with words', async () => {
    await open(pending)
    expect(headline()).toBe('Waiting to start')
    expect(page.text()).toContain('this page may be closed')
    expect(page.get('[role=progressbar]').attributes()).not.toHaveProperty('aria-valuenow')
    expect(page.text()).toContain('They appear here as soon as they are drawn.')
    expect(model().exists()).toBe(false)
  })

  it('tells how far it is, with the views that have come', async () => {
    await open({ ...processing, results: [] })
    expect(page.get('[role=progressbar]').attributes('aria-valuenow')).toBe('42')
    expect(page.findAll('.strip img')).toHaveLength(0)
    await open(processing)
    expect(page.findAll('.strip img')).toHaveLength(6)
    expect(headings()).toEqual(['What has happened', 'Files', 'Six views'])
  })

  it('shows the model as soon as its file is there, and then says that it is done', async () => {
    await open({ ...processing, updatedAt: '2026-01-15T08:30:05.020Z' })
    const glb = completed.results.find(({ name }) => name === 'model.glb')!
    await told('status', 1, { status: 'PENDING', attempt: 0 })
    await told('status', 2, { status: 'PROCESSING' })
    await told('result', 3, { ...completed.results[0] })
    await told('result', 4, glb)
    await vi.waitFor(() => expect(model().text()).toBe('pixel_images.png model.glb'))
    expect(headline()).toBe('Your model is being made')
    expect(page.find('[role=progressbar]').exists()).toBe(true)
    await told('status', 5, { status: 'COMPLETED' })
    await vi.waitFor(() => expect(headline()).toBe('Your model is ready'))
    expect(page.find('[role=progressbar]').exists()).toBe(false)
  })

  it('is stopped after a question, and the focus goes to how it has ended', async () => {
    await open(processing)
    vi.mocked(api.cancelTask).mockResolvedValue({ ...cancelled as Task, taskId: id })
    await button('Cancel')!.trigger('click')
    await button('Stop it')!.trigger('click')
    await flushPromises()
    expect(headline()).toBe('This one was cancelled')
    await vi.waitFor(() => expect(document.activeElement).toBe(page.get('h1').element))
  })
})

describe('at its end', () => {
  it('has the model, its files first, and how it came about', async () => {
    await open(completed)
    await vi.waitFor(() => expect(model().exists()).toBe(true))
    expect(headline()).toBe('Your model is ready')
    expect(headings()).toEqual(['Files', 'Your picture', 'What has happened', 'Six views', 'Coordinate maps'])
    expect(page.get('.files button').text()).toContain('model.glb')
    expect(button('New model')!.attributes('href')).toBe('/')
  })

  it('says why there is none, and tries again', async () => {
    await open({ ...failed, error: { code: 'timeout', message: 'after 15 min' } })
    expect(headline()).toBe('No model came of it')
    expect(page.text()).toContain('It took too long and was stopped.')
    vi.mocked(api.createTask).mockResolvedValue({ taskId: 'new', status: 'PENDING', sseUrl: '/s', statusUrl: '/s' })
    await button('Try again')!.trigger('click')
    await flushPromises()
    expect(router.currentRoute.value.params.id).toBe('new')
  })

  it('says what came between when trying again was refused', async () => {
    await open(failed)
    vi.mocked(api.createTask).mockRejectedValue(new Problem('too_many_active_tasks', { status: 429, retryAfter: 20 }))
    await button('Try again')!.trigger('click')
    await flushPromises()
    expect(page.get('[role=alert]').text()).toMatch(/Too many reconstructions are running\..*in \d+ seconds/)
    expect(router.currentRoute.value.params.id).toBe(id)
  })

  it('goes to the list when it is deleted, where that can be taken back', async () => {
    await open(completed)
    await button('Delete')!.trigger('click')
    await flushPromises()
    expect(router.currentRoute.value.name).toBe('tasks')
    expect(useTasks().removed).toEqual([id])
  })
})

describe('where there is nothing to follow', () => {
  it('says that it is gone', async () => {
    await open(new Problem('task_not_found', { status: 404 }))
    expect(headline()).toBe('This model is not there')
    expect(button('New model')).toBeDefined()
  })

  it('says so too where it ends and another question finds it gone', async () => {
    await open(pending)
    let refuse: (why: Problem) => void = () => {}
    vi.mocked(api.listTasks).mockResolvedValue({ items: [], nextCursor: null })
    vi.mocked(api.getTask).mockReturnValue(new Promise((_, reject) => { refuse = reject }))
    const asked = useTasks().watch()
    await flushPromises() // the question for this one is under way
    await told('status', 3, { status: 'CANCELLED' })
    expect(headline()).toBe('This one was cancelled')
    refuse(new Problem('task_not_found', { status: 404 }))
    await asked
    await flushPromises()
    expect(headline()).toBe('This model is not there')
  })

  it('says that nobody is let in', async () => {
    await open(new Problem('unauthorized', { status: 401 }))
    expect(page.get('[role=alert]').text()).toContain('You are not signed in')
  })

  it('goes on when the API is back', async () => {
    await open(new Problem('unreachable'))
    expect(page.get('[role=alert]').text()).toContain('cannot be reached')
    vi.mocked(api.getTask).mockResolvedValue({ ...completed as Task })
    await page.get('[role=alert] button').trigger('click')
    await vi.waitFor(() => expect(headline()).toBe('Your model is ready'))
    expect(page.find('[role=alert]').exists()).toBe(false)
  })
})
