import { flushPromises, mount } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'
import completed from '#contract/task-completed.json'
import { Problem } from '@/api/problem'
import type { Task } from '@/api/schema'
import * as api from '@/api/tasks'
import { i18n, setLanguage } from '@/i18n'
import { useTasks } from '@/stores/tasks'
import TaskListView from './TaskListView.vue'

vi.mock('@/api/tasks')

const router = createRouter({
  history: createMemoryHistory(),
  routes: [{ path: '/', component: {} }, { path: '/app/tasks', name: 'tasks', component: {} }, { path: '/app/tasks/:id', name: 'task', component: {} }],
})

beforeAll(() => setLanguage('en'))
beforeEach(() => setActivePinia(createPinia()))

const task = (n: number, status: Task['status']): Task => ({ ...completed as Task, taskId: `t${n}`, status })
async function open(path: string, ...pages: { items: Task[], nextCursor: string | null }[]) {
  const ask = vi.mocked(api.listTasks).mockReset()
  ask.mockRejectedValue(new Problem('unavailable'))
  for (const page of pages) ask.mockResolvedValueOnce(page)
  await router.push(path)
  const list = mount(TaskListView, { global: { plugins: [i18n, router] } })
  await flushPromises()
  return list
}

it('looks through older tasks for those that a filter shows', async () => {
  const list = await open('/app/tasks?show=failed',
    { items: [task(1, 'COMPLETED'), task(2, 'PROCESSING')], nextCursor: 'c' }, { items: [task(3, 'FAILED')], nextCursor: null })
  expect(api.listTasks).toHaveBeenNthCalledWith(2, 'c')
  expect(list.findAll('.task')).toHaveLength(1)
  expect(list.get('.filter[aria-current]').text()).toMatch(/Failed\s*1/)
})

it('hides what is deleted, and brings it back', async () => {
  const list = await open('/app/tasks', { items: [task(1, 'COMPLETED')], nextCursor: null })
  await list.get('.remove').trigger('click')
  expect(list.text()).toContain('No models yet')
  useTasks().undo('t1')
  await flushPromises()
  expect(list.findAll('.task')).toHaveLength(1)
  expect(api.deleteTask).not.toHaveBeenCalled()
})

it('says what went wrong, and does not go on asking', async () => {
  const list = await open('/app/tasks?show=failed', { items: [task(1, 'COMPLETED')], nextCursor: 'c' })
  expect(api.listTasks).toHaveBeenCalledTimes(2) // the second, for failed ones, met the outage
  expect(list.get('[role=alert]').text()).toContain('not available')
  vi.mocked(api.listTasks).mockResolvedValueOnce({ items: [task(2, 'FAILED')], nextCursor: null })
  await list.get('[role=alert] button').trigger('click')
  await flushPromises()
  expect(list.findAll('.task')).toHaveLength(1)
})
