import { mount } from '@vue/test-utils'
import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import { nextTick } from 'vue'
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

it('counts down what the server asks to wait, and offers to try again only then', async () => {
  vi.useFakeTimers()
  try {
    const note = show(new Problem('rate_limited', { status: 429, retryAfter: 3 }), () => {})
    const words = () => note.get('.words').text().replace(/\s+/g, ' ')
    expect(words()).toBe('That was a little fast. Try again in 3 seconds.')
    expect(note.get('button').attributes()).toHaveProperty('disabled')
    vi.advanceTimersByTime(2_000)
    await nextTick()
    expect(words()).toBe('That was a little fast. Try again in one second.')
    vi.advanceTimersByTime(1_000)
    await nextTick()
    expect(words()).toBe('That was a little fast.')
    expect(note.get('button').attributes()).not.toHaveProperty('disabled')
    await note.setProps({ problem: new Problem('rate_limited', { status: 429, retryAfter: 600 }) }) // and again
    expect(words()).toContain('in 10 minutes')
    expect(note.get('button').attributes()).toHaveProperty('disabled')
  } finally {
    vi.useRealTimers()
  }
})
