import { flushPromises, mount } from '@vue/test-utils'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { nextTick, type Component } from 'vue'
import { createMemoryHistory, createRouter } from 'vue-router'
import completed from '#contract/task-completed.json'
import { Problem } from '@/api/problem'
import type { Task } from '@/api/schema'
import { newTask, type TaskState } from '@/events/fold'
import { i18n, setLanguage } from '@/i18n'
import CancelControl from './CancelControl.vue'
import { download } from './download'
import EndNote from './EndNote.vue'
import FileList from './FileList.vue'
import ProgressNote from './ProgressNote.vue'
import TaskTimeline from './TaskTimeline.vue'
import ViewStrip from './ViewStrip.vue'

vi.mock('./download', async original => ({ ...await original<object>(), download: vi.fn() }))

const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/', component: {} }] })
const done = completed as Task
const state = (changes: Partial<TaskState>): TaskState => ({ ...newTask('t'), createdAt: '2026-01-15T08:30:00.000Z', ...changes })
const show = (component: Component, props: object, slots = {}) =>
  mount(component, { props, slots, attachTo: document.body, global: { plugins: [i18n, router] } })

beforeAll(() => setLanguage('en'))

describe('CancelControl', () => {
  it('asks before it cancels, and takes the focus along', async () => {
    const control = show(CancelControl, { busy: false })
    await control.get('button').trigger('click')
    expect(control.emitted('cancel')).toBeUndefined()
    expect(document.activeElement?.textContent).toContain('Stop it')
    await control.get('.el-button--danger').trigger('click')
    expect(control.emitted('cancel')).toHaveLength(1)
  })

  it('goes on by Escape', async () => {
    const control = show(CancelControl, { busy: false })
    await control.get('button').trigger('click')
    await control.trigger('keydown', { key: 'Escape' })
    expect(control.findAll('button').map(button => button.text())).toEqual(['Cancel'])
    expect(document.activeElement).toBe(control.get('button').element)
  })
})

describe('EndNote', () => {
  it('says why in the user\'s words and what the worker said', async () => {
    const note = show(EndNote, { busy: false, state: state({ status: 'FAILED', imageId: 'p', error: { code: 'timeout', message: 'after 15 min' } }) })
    expect(note.text()).toMatch(/It took too long.*after 15 min/)
    await note.get('.el-button--primary').trigger('click')
    expect(note.emitted('again')).toHaveLength(1)
  })

  it('sends to another picture first where this one was refused', () => {
    const note = show(EndNote, { busy: false, state: state({ status: 'FAILED', imageId: 'p', error: { code: 'image_rejected', message: '' } }) })
    expect(note.get('.el-button--primary').text()).toBe('Another picture')
    expect(note.get('.el-button--primary').attributes('href')).toBe('/')
  })
})

describe('ProgressNote', () => {
  const note = (changes: Partial<TaskState>) => show(ProgressNote, { state: state(changes) })

  it('tells stage, percent, attempt and estimate', () => {
    const shown = note({ status: 'PROCESSING', attempt: 2, stage: 'mesh', progress: 42, etaSeconds: 13 })
    expect(shown.text()).toMatch(/Building the surface.*42%.*about 15 s left.*Attempt 2/)
    expect(shown.get('[role=progressbar]').attributes('aria-valuenow')).toBe('42')
  })

  it('claims no percent while it waits', () => {
    const shown = note({ status: 'PROCESSING', attempt: 1, stage: 'queued', queuePosition: 2 })
    expect(shown.text()).toContain('2 are ahead in the queue')
    expect(shown.get('[role=progressbar]').attributes()).not.toHaveProperty('aria-valuenow')
    expect(note({ status: 'PROCESSING', attempt: 1, stage: 'queued', queuePosition: 0 }).text()).toContain('Next in the queue')
    expect(note({ status: 'PENDING' }).text()).toContain('All workers are busy, or have not answered yet')
  })
})

it('TaskTimeline shows a stage that nobody has named as it is called', () => {
  const seen = [{ attempt: 1, stage: 'mesh', at: '1' }, { attempt: 1, stage: 'simmering', at: '2' }]
  const shown = show(TaskTimeline, { state: state({ status: 'PROCESSING', attempt: 1, stage: 'simmering' }), seen })
  expect(shown.findAll('.stages li').map(item => item.text())).toEqual(['Building the surface', 'simmering'])
  expect(shown.get('[aria-current=step]').text()).toBe('simmering')
})

describe('FileList', () => {
  const list = () => show(FileList, { taskId: done.taskId, results: done.results })

  it('saves a file at a click, one at a time', async () => {
    let finish: () => void = () => {}
    vi.mocked(download).mockReset().mockImplementation(() => new Promise((resolve) => { finish = resolve }))
    const files = list()
    const first = files.get('button')
    expect(first.text()).toMatch(/^Download\s*model.glb\s*1.3 MB/)
    await first.trigger('click')
    await first.trigger('click')
    expect(download).toHaveBeenCalledExactlyOnceWith(done.taskId, 'model.glb', expect.any(Function))
    vi.mocked(download).mock.lastCall![2]!(0.427)
    await nextTick()
    expect(first.text()).toMatch(/^Download\s*model.glb\s*42%/)
    finish()
    await flushPromises()
    await first.trigger('click')
    expect(download).toHaveBeenCalledTimes(2)
  })

  it.each([
    [new Problem('storage_refused', { status: 404 }), 'could not be downloaded'],
    [new Problem('not_found'), 'no longer there'],
    [new Problem('unreachable'), 'cannot be reached'],
  ])('says at the file what went wrong: %s', async (problem, words) => {
    vi.mocked(download).mockReset().mockRejectedValue(problem)
    const files = list()
    await files.get('button').trigger('click')
    await flushPromises()
    expect(files.get('li').text()).toContain(words)
  })
})

describe('ViewStrip', () => {
  const image = { src: '/views.png', identity: 'sha', renew: async () => null }
  const landed = async (width: number, height: number) => {
    const strip = show(ViewStrip, { title: 'Six views', text: '', image })
    const first = strip.get('img')
    Object.defineProperties(first.element, { naturalWidth: { value: width }, naturalHeight: { value: height } })
    await first.trigger('load')
    return strip
  }

  it('cuts the strip into its six sides', async () => {
    const strip = await landed(1536, 256)
    expect(strip.findAll('img').map(tile => tile.attributes('alt'))).toEqual(
      ['Left', 'Below', 'Back', 'Right', 'Top', 'Front'].map(side => `Six views: ${side}`))
    expect(strip.attributes()).toHaveProperty('data-shown')
  })

  it('shows what is no such strip as one', async () => {
    const strip = await landed(800, 600)
    expect(strip.findAll('img').map(tile => tile.attributes('alt'))).toEqual(['Six views'])
  })

  it('says so where it can\'t be loaded', async () => {
    const strip = show(ViewStrip, { title: 'Six views', text: '', image })
    await strip.get('img').trigger('error')
    await flushPromises()
    expect(strip.text()).toContain('could not be loaded')
  })
})
