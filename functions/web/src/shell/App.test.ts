import { createPinia, setActivePinia } from 'pinia'
import { mount, type VueWrapper } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { nextTick } from 'vue'
import { createMemoryHistory, createRouter, RouterView, type Router } from 'vue-router'
import processing from '#contract/task-processing.json'
import { Problem } from '@/api/problem'
import type { Task } from '@/api/schema'
import { listTasks } from '@/api/tasks'
import { provide } from '@/auth'
import { i18n, setLanguage } from '@/i18n'
import NotFoundView from '@/views/NotFoundView.vue'
import { announce } from './announce'
import App from './App.vue'
import { setTheme } from './theme'
import { dismiss, toast, toasts } from './toasts'

vi.mock('@/api/tasks')

let router: Router
let app: VueWrapper

beforeEach(async () => {
  vi.mocked(listTasks).mockResolvedValue({ items: [], nextCursor: null })
  setLanguage('en')
  setActivePinia(createPinia())
  router = createRouter({
    history: createMemoryHistory(),
    routes: [
      { path: '/', component: { render: () => 'pictures' }, meta: { title: 'shell.pictures' } },
      { path: '/:rest(.*)*', component: NotFoundView, meta: { title: 'shell.notFound' } },
    ],
  })
  await router.push('/')
})

afterEach(() => {
  app.unmount()
  toasts.value.forEach(({ key }) => dismiss(key))
  provide(null)
  setTheme('auto')
})

async function start() {
  app = mount(App, { global: { plugins: [router, i18n] }, attachTo: document.body })
  await nextTick()
  return app
}

describe('the frame', () => {
  it('shows the route, and where it leads', async () => {
    await start()
    expect(app.getComponent(RouterView).text()).toBe('pictures')
    expect(app.findAll('nav a').map(link => [link.text(), link.attributes('href')])).toEqual([['Pictures', '/'], ['Models', '/app/tasks']])
    expect(app.get('nav a[aria-current="page"]').text()).toBe('Pictures')
    expect(document.title).toBe('Pictures · Recon3D')
  })

  it('lets the keyboard skip to the content', async () => {
    await start()
    expect(app.get('a').attributes('href')).toBe('#content')
    expect(app.get('#content').element.tagName).toBe('MAIN')
  })

  it('has a page for what is not there', async () => {
    await start()
    await router.push('/app/elsewhere')
    expect(app.get('h1').text()).toBe('There is nothing here')
    await app.get('main a').trigger('click')
    await vi.waitFor(() => expect(app.get('main').text()).toBe('pictures'))
  })

  it('tells in the header and in the title what runs', async () => {
    vi.mocked(listTasks).mockResolvedValue({ items: [processing as Task], nextCursor: null })
    await start()
    await vi.waitFor(() => expect(app.get('.count').text()).toContain('1 in progress'))
    await nextTick()
    expect(document.title).toBe('42% · Pictures · Recon3D')
  })

  it('stays usable when the API is away', async () => {
    vi.mocked(listTasks).mockRejectedValue(new Problem('unreachable'))
    await start()
    await vi.waitFor(() => expect(listTasks).toHaveBeenCalled())
    expect(app.get('main').text()).toBe('pictures')
  })
})

describe('the switches', () => {
  it('change the language, and name the other one in itself', async () => {
    await start()
    const button = app.get('button[lang="zh-CN"]')
    expect(button.attributes('aria-label')).toBe('简体中文')
    await button.trigger('click')
    await vi.waitFor(() => expect(app.findAll('nav a').map(link => link.text())).toEqual(['图片', '模型']))
    expect(app.find('button[lang="en"]').text()).toBe('English')
    expect(document.title).toBe('图片 · Recon3D')
  })

  it('change the theme, and keep it', async () => {
    await start()
    const button = app.get('[aria-label^="Appearance"]')
    const labels = []
    for (let i = 0; i < 3; i++) {
      await button.trigger('click')
      labels.push([button.attributes('aria-label'), localStorage.getItem('recon3d.theme')])
    }
    expect(labels).toEqual([['Appearance: Light', 'light'], ['Appearance: Dark', 'dark'], ['Appearance: As the system', 'auto']])
  })

  it('offer a sign-in only where there is one', async () => {
    const signIn = vi.fn()
    provide({ token: async () => null, signIn })
    await start()
    await app.get('.signin').trigger('click')
    expect(signIn).toHaveBeenCalledOnce()
    app.unmount()
    provide(null)
    await start()
    expect(app.find('.signin').exists()).toBe(false)
  })
})

describe('words at the foot', () => {
  it('are said, can be acted on, and go', async () => {
    await start()
    const undo = vi.fn()
    toast('Deleted.', { action: { label: 'Undo', run: undo } })
    await nextTick()
    expect(app.get('[aria-live="polite"]').text()).toBe('Deleted. Undo')
    await app.get('.toast .action').trigger('click')
    expect(undo).toHaveBeenCalledOnce()
    expect(toasts.value).toHaveLength(0)
  })

  it('are at most three, and end by themselves', () => {
    vi.useFakeTimers()
    for (const text of ['a', 'b', 'c', 'd']) toast(text)
    expect(toasts.value.map(({ text }) => text)).toEqual(['b', 'c', 'd'])
    vi.advanceTimersByTime(6_000)
    vi.useRealTimers()
    expect(toasts.value).toHaveLength(0)
  })

  it('are read out again when they are the same', async () => {
    await start()
    announce('Done.', 'assertive')
    await nextTick()
    const first = app.get('[aria-live="assertive"]').element.textContent
    announce('Done.', 'assertive')
    await nextTick()
    expect(app.get('[aria-live="assertive"]').element.textContent).not.toBe(first)
  })
})

describe('offline', () => {
  it('says so, and takes it back', async () => {
    await start()
    window.dispatchEvent(new Event('offline'))
    await nextTick()
    expect(app.get('[role="status"]').text()).toContain('You are offline.')
    window.dispatchEvent(new Event('online'))
    await nextTick()
    expect(app.get('[role="status"]').text()).toBe('')
  })
})
