import { flushPromises, mount } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'
import completed from '#contract/task-completed.json'
import failed from '#contract/task-failed.json'
import { Problem } from '@/api/problem'
import type { Task } from '@/api/schema'
import * as api from '@/api/tasks'
import { i18n, setLanguage } from '@/i18n'
import { toasts } from '@/shell/toasts'
import { useTasks } from '@/stores/tasks'
import { useTaskActions } from './useTaskActions'

vi.mock('@/api/tasks')

const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/', component: {} }, { path: '/app/tasks/:id', name: 'task', component: {} }] })

function actionsOf(taskId: string) {
  let actions!: ReturnType<typeof useTaskActions>
  mount({ setup() { actions = useTaskActions(taskId); return () => null } }, { global: { plugins: [i18n, router] } })
  return actions
}

beforeAll(() => setLanguage('en'))
beforeEach(() => {
  setActivePinia(createPinia())
  vi.resetAllMocks()
})

it('tries again with the same picture, and goes there', async () => {
  const { taskId, imageId } = failed
  vi.mocked(api.getTask).mockResolvedValue(failed as Task)
  vi.mocked(api.createTask).mockResolvedValue({ taskId: 'new', status: 'PENDING', sseUrl: '/s', statusUrl: '/s' })
  const { again, busy } = actionsOf(taskId)
  const both = [again(), again()] // a double click makes one task
  expect(busy.value).toBe('again')
  await Promise.all(both)
  expect(api.createTask).toHaveBeenCalledExactlyOnceWith(imageId, [])
  expect(router.currentRoute.value.params.id).toBe('new')
  expect(busy.value).toBeNull()
})

it('keeps what went wrong, until the next try', async () => {
  useTasks().takeTask(failed as Task)
  vi.mocked(api.createTask).mockRejectedValue(new Problem('too_many_active_tasks', { status: 429, retryAfter: 7 }))
  const { again, problem } = actionsOf(failed.taskId)
  await again()
  expect(problem.value?.code).toBe('too_many_active_tasks')
  void again()
  expect(problem.value).toBeNull()
  await flushPromises()
})

it('takes it well when a task has ended before it could be cancelled', async () => {
  vi.mocked(api.cancelTask).mockRejectedValue(new Problem('task_finished', { status: 409 }))
  vi.mocked(api.getTask).mockResolvedValue(completed as Task)
  const { cancel, problem } = actionsOf(completed.taskId)
  await cancel()
  expect(problem.value).toBeNull()
  expect(useTasks().stateOf(completed.taskId)?.status).toBe('COMPLETED')
  expect(toasts.value.at(-1)?.text).toBe('It had ended already.')
})
