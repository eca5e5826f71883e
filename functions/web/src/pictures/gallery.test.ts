import { flushPromises, mount } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createMemoryHistory, createRouter, type Router } from 'vue-router'
import example from '#contract/picture.json'
import * as api from '@/api/pictures'
import { Problem } from '@/api/problem'
import type { Picture } from '@/api/schema'
import * as tasksApi from '@/api/tasks'
import { i18n, setLanguage } from '@/i18n'
import { toasts } from '@/shell/toasts'
import PictureView from '@/views/PictureView.vue'
import './testing'

vi.mock('@/api/pictures', async original => ({
  ...await original<typeof api>(), listPictures: vi.fn(), uploadPicture: vi.fn(), deletePicture: vi.fn(),
}))
vi.mock('@/api/tasks', async original => ({ ...await original<typeof tasksApi>(), createTask: vi.fn() }))

const picture = (name: string) => ({ ...example, id: name, name }) as Picture
const PNG = new Uint8Array([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 9, 0, 0, 0, 9])
const png = (name: string) => new File([PNG], name, { type: 'image/png' })

let stored: Picture[]
let router: Router
let wrapper: ReturnType<typeof mount>

async function open() {
  await router.push('/')
  wrapper = mount(PictureView, { attachTo: document.body, global: { plugins: [i18n, router] } })
  await flushPromises()
}

const card = (name: string) => wrapper.find(`article[aria-label="${name}"]`)
const button = (label: string) => wrapper.find(`button[aria-label="${label}"]`)

/** Inspecting reads files, which takes jsdom a few turns. */
async function choose(...files: File[]) {
  const input = wrapper.find<HTMLInputElement>('[data-test=chooser]')
  Object.defineProperty(input.element, 'files', { value: files, configurable: true })
  // A browser forgets the files with the value; here they are only what the test put.
  Object.defineProperty(input.element, 'value', { value: '', writable: true, configurable: true })
  await input.trigger('change')
  await vi.waitFor(() => expect(card(files.at(-1)!.name).exists()).toBe(true))
}

beforeEach(async () => {
  vi.clearAllMocks()
  setLanguage('en', { keep: false })
  setActivePinia(createPinia())
  URL.createObjectURL = () => 'blob:preview'
  URL.revokeObjectURL = () => {}
  Element.prototype.scrollIntoView = () => {}
  window.matchMedia = () => Object.assign(new EventTarget(), { matches: false }) as unknown as MediaQueryList
  stored = []
  vi.mocked(api.listPictures).mockImplementation(async (page, size) => ({
    items: stored.slice((page - 1) * size, page * size), page, size, total: stored.length,
  }))
  const nowhere = { template: '<p />' }
  router = createRouter({
    history: createMemoryHistory(),
    routes: [{ path: '/', name: 'pictures', component: nowhere }, { path: '/app/tasks/:id', name: 'task', component: nowhere }],
  })
})
afterEach(() => wrapper.unmount())

describe('the page of pictures', () => {
  it('offers samples, large, where there is nothing yet', async () => {
    await open()
    expect(wrapper.findAll('.sample')).toHaveLength(4)
    expect(wrapper.find('[data-small]').exists()).toBe(false)
    expect(wrapper.find('article').exists()).toBe(false)
  })

  it('uploads what is chosen, shows how far it is, then the picture with what to do', async () => {
    let progress: (share: number) => void
    let succeed: (made: Picture) => void
    vi.mocked(api.uploadPicture).mockImplementation((_, transfer) => new Promise((resolve) => {
      progress = share => transfer?.onProgress?.(share)
      succeed = resolve
    }))
    await open()
    await choose(png('cup.png'))
    progress!(0.42)
    await flushPromises()
    expect(card('cup.png').find('[role=progressbar]').attributes('aria-valuenow')).toBe('42')
    expect(card('cup.png').find('img').attributes('src')).toBe('blob:preview')
    stored = [picture('cup.png')]
    succeed!(stored[0]!)
    await flushPromises()
    expect(wrapper.findAll('article')).toHaveLength(1)
    expect(button('Make a 3D model of cup.png').exists()).toBe(true)
  })

  it('cancels an upload, and sends it again', async () => {
    vi.mocked(api.uploadPicture).mockImplementation((_, transfer) => new Promise((_, reject) => {
      transfer?.signal?.addEventListener('abort', () => reject(transfer.signal?.reason))
    }))
    await open()
    await choose(png('cup.png'))
    await button('Cancel the upload of cup.png').trigger('click')
    await flushPromises()
    expect(card('cup.png').text()).toContain('Cancelled')
    await card('cup.png').find('.act').trigger('click')
    await flushPromises()
    expect(card('cup.png').text()).toContain('Uploading')
    expect(api.uploadPicture).toHaveBeenCalledTimes(2)
  })

  it.each([
    ['en', 'The server cannot be reached.'],
    ['zh-CN', '无法连接服务器。'],
  ] as const)('says in %s why an upload failed, and stays usable', async (language, sentence) => {
    setLanguage(language, { keep: false })
    vi.mocked(api.uploadPicture).mockRejectedValue(new Problem('unreachable'))
    await open()
    await choose(png('cup.png'))
    await flushPromises()
    expect(card('cup.png').find('[role=alert]').text()).toContain(sentence)
    expect(wrapper.find('[data-test=chooser]').exists()).toBe(true)
  })

  it('sends no text that is called a picture', async () => {
    await open()
    await choose(new File(['hello'], 'fake.jpg', { type: 'image/jpeg' }))
    expect(card('fake.jpg').text()).toContain('This is not a picture, whatever its name says.')
    expect(api.uploadPicture).not.toHaveBeenCalled()
    await button('Remove fake.jpg from the list').trigger('click')
    expect(card('fake.jpg').exists()).toBe(false)
  })

  it('offers to shrink what the server finds too large', async () => {
    vi.mocked(api.uploadPicture).mockRejectedValue(new Problem('image_too_large', { status: 422 }))
    await open()
    await choose(png('cup.png'))
    await flushPromises()
    expect(card('cup.png').find('.act').text()).toBe('Shrink and upload')
  })

  it('goes to the task it makes, with the chosen formats', async () => {
    stored = [picture('cup.png')]
    vi.mocked(tasksApi.createTask).mockResolvedValue({ taskId: 't1', status: 'PENDING', sseUrl: '/x', statusUrl: '/y' })
    await open()
    await button('Files to make of cup.png').trigger('click')
    await vi.waitFor(() => expect(document.querySelector('dialog[open] input[value="stl"]')).not.toBeNull())
    document.querySelector<HTMLInputElement>('dialog input[value="stl"]')!.click()
    document.querySelector<HTMLButtonElement>('dialog footer button')!.click()
    await flushPromises()
    expect(tasksApi.createTask).toHaveBeenCalledWith('cup.png', ['stl'])
    expect(router.currentRoute.value.params.id).toBe('t1')
  })

  it('says at the picture when too many are running, and for how long to wait', async () => {
    stored = [picture('cup.png'), picture('hat.png')]
    vi.mocked(tasksApi.createTask).mockRejectedValue(new Problem('too_many_active_tasks', { status: 429, retryAfter: 20 }))
    await open()
    await button('Make a 3D model of cup.png').trigger('click')
    await flushPromises()
    expect(card('cup.png').text()).toContain('Too many reconstructions are running.')
    expect(card('cup.png').text()).toMatch(/Try again in \d+ seconds\./) // it counts down
    expect(card('hat.png').text()).not.toContain('Too many')
    expect(router.currentRoute.value.name).toBe('pictures')
    expect(button('Make a 3D model of cup.png').attributes('disabled')).toBeUndefined()
  })

  it('hides what is deleted, gives the focus on, and brings it back', async () => {
    stored = [picture('cup.png'), picture('hat.png')]
    await open()
    await button('Delete cup.png').trigger('click')
    await flushPromises()
    expect(card('cup.png').exists()).toBe(false)
    expect(document.activeElement?.getAttribute('aria-label')).toBe('Delete hat.png')
    toasts.value.at(-1)?.action?.run()
    await flushPromises()
    expect(card('cup.png').exists()).toBe(true)
    expect(api.deletePicture).not.toHaveBeenCalled()
  })

  it('turns pages, and keeps the page in the address', async () => {
    stored = Array.from({ length: 45 }, (_, i) => picture(`p${i}`))
    await open()
    expect(wrapper.find('nav').text()).toContain('Page 1 of 3')
    await button('Next page').trigger('click')
    await flushPromises()
    expect(card('p20').exists()).toBe(true)
    expect(router.currentRoute.value.query.page).toBe('2')
  })

  it('says when the gallery cannot be had, and asks again', async () => {
    vi.mocked(api.listPictures).mockRejectedValueOnce(new Problem('not_json', { status: 200 }))
    stored = [picture('cup.png')]
    await open()
    expect(wrapper.find('[role=alert]').text()).toContain('makes no sense')
    await wrapper.find('[role=alert] button').trigger('click')
    await flushPromises()
    expect(card('cup.png').exists()).toBe(true)
  })

  it('uploads a sample and makes a model of it at a click; the same one again is not uploaded twice', async () => {
    vi.stubGlobal('fetch', vi.fn(async () => ({ ok: true, blob: async () => new Blob(['webp']) })))
    const duck = { ...picture('duck.webp'), size: 4 }
    vi.mocked(api.uploadPicture).mockImplementation(async () => (stored = [duck])[0]!)
    vi.mocked(tasksApi.createTask).mockResolvedValue({ taskId: 't1', status: 'PENDING', sseUrl: '/x', statusUrl: '/y' })
    await open()
    await button('Make a 3D model of the sample “Duck”').trigger('click')
    await flushPromises()
    expect(router.currentRoute.value.params.id).toBe('t1')
    await router.push('/')
    await button('Make a 3D model of the sample “Duck”').trigger('click')
    await flushPromises()
    expect(tasksApi.createTask).toHaveBeenCalledTimes(2)
    expect(api.uploadPicture).toHaveBeenCalledTimes(1)
  })
})
