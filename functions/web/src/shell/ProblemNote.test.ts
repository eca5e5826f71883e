import { mount } from '@vue/test-utils'
import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import { Problem } from '@/api/problem'
import { provide } from '@/auth'
import { i18n, setLanguage } from '@/i18n'
import ProblemNote from './ProblemNote.vue'

beforeAll(() => setLanguage('en'))
afterEach(() => { provide(null) })

const show = (problem: Problem, retry?: () => void) => mount(ProblemNote, { props: { problem, retry }, global: { plugins: [i18n] } })

it('says what happened, and offers to try again', async () => {
  const retry = vi.fn()
  const note = show(new Problem('unreachable'), retry)
  expect(note.attributes('role')).toBe('alert')
  expect(note.text()).toContain('The server cannot be reached.')
  await note.get('button').trigger('click')
  expect(retry).toHaveBeenCalledOnce()
})

it('leads to the sign-in instead where that is what is missing', async () => {
  const signIn = vi.fn()
  provide({ token: async () => null, signIn })
  await show(new Problem('unauthorized'), () => {}).get('button').trigger('click')
  expect(signIn).toHaveBeenCalledOnce()
})

it('names each wrong value, and what to tell the operator', () => {
  const errors = [{ field: 'imageId', message: 'is missing' }]
  expect(show(new Problem('validation_failed', { status: 422, errors, requestId: 'r-1' })).text()).toMatch(/imageId is missing$/)
  expect(show(new Problem('internal', { status: 500, requestId: 'r-1' })).text()).toContain('r-1')
  expect(show(new Problem('internal', { status: 500 })).find('button').exists()).toBe(false)
})
