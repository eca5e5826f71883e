import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import example from '#contract/picture.json'
import * as api from '@/api/pictures'
import { Problem } from '@/api/problem'
import type { Picture } from '@/api/schema'
import { PAGE_SIZE, usePictures } from './pictures'

vi.mock('@/api/pictures')

const picture = (id: string) => ({ ...example, id }) as Picture
const list = vi.mocked(api.listPictures)
const upload = vi.mocked(api.uploadPicture)
const file = (name: string) => new File(['x'], name, { type: 'image/png' })
const settle = () => new Promise(resolve => setTimeout(resolve))

beforeEach(() => {
  vi.resetAllMocks()
  URL.createObjectURL = vi.fn(() => 'blob:x')
  URL.revokeObjectURL = vi.fn()
  list.mockResolvedValue({ items: [], page: 1, size: PAGE_SIZE, total: 0 })
  setActivePinia(createPinia())
})

/** Uploads that the test ends. */
function held() {
  const ends = new Map<string, { succeed(): void, fail(error: unknown): void, progress(share: number): void }>()
  upload.mockImplementation((file, { signal, onProgress } = {}) => new Promise((resolve, reject) => {
    ends.set(file.name, { succeed: () => resolve(picture(file.name)), fail: reject, progress: share => onProgress?.(share) })
    signal?.addEventListener('abort', () => reject(signal.reason))
  }))
  return ends
}

const statuses = () => Object.fromEntries(usePictures().uploads.map(({ file, status }) => [file.name, status]))

describe('uploads', () => {
  it('are sent two at a time, in the order in which they came', async () => {
    const ends = held()
    for (const name of ['a', 'b', 'c']) usePictures().upload(file(name))
    expect(statuses()).toEqual({ a: 'sending', b: 'sending', c: 'waiting' })
    ends.get('a')?.succeed()
    await settle()
    expect(statuses()).toEqual({ a: 'done', b: 'sending', c: 'sending' })
    expect(usePictures().uploads.find(({ file }) => file.name === 'a')?.picture?.id).toBe('a')
    expect(list).toHaveBeenCalledWith(1, PAGE_SIZE, expect.anything())
  })

  it('tell how far they are, and when the server checks', () => {
    const ends = held()
    const entry = usePictures().upload(file('a'))
    ends.get('a')?.progress(0.5)
    expect(entry).toMatchObject({ sent: 0.5, status: 'sending' })
    ends.get('a')?.progress(1)
    expect(entry).toMatchObject({ sent: 1, status: 'checking' })
  })

  it('are not sent again where only the answer was lost', async () => {
    const ends = held()
    const entry = usePictures().upload(file('a'))
    ends.get('a')?.fail(new Problem('unreachable'))
    await settle()
    vi.mocked(api.findPicture).mockResolvedValue(picture('a'))
    usePictures().retry(entry.key)
    await settle()
    expect(entry).toMatchObject({ status: 'done', picture: { id: 'a' } })
    expect(upload).toHaveBeenCalledTimes(1)
  })

  it('are sent again at once where they were refused', async () => {
    const ends = held()
    const entry = usePictures().upload(file('a'))
    ends.get('a')?.fail(new Problem('image_invalid', { status: 422 }))
    await settle()
    usePictures().retry(entry.key)
    await settle()
    expect(upload).toHaveBeenCalledTimes(2)
    expect(api.findPicture).not.toHaveBeenCalled()
  })

  it('can be cancelled, waiting or under way, and sent again', async () => {
    const ends = held()
    const [a, , c] = ['a', 'b', 'c'].map(name => usePictures().upload(file(name)))
    usePictures().cancel(c!.key)
    usePictures().cancel(a!.key)
    await settle()
    expect(statuses()).toEqual({ a: 'cancelled', b: 'sending', c: 'cancelled' })
    usePictures().retry(a!.key)
    expect(statuses().a).toBe('sending')
    ends.get('a')?.succeed()
    await settle()
    expect(statuses().a).toBe('done')
  })

  it('keep what went wrong until they are sent again or dismissed', async () => {
    const ends = held()
    const entry = usePictures().upload(file('a'))
    ends.get('a')?.fail(new Problem('image_invalid'))
    await settle()
    expect(entry).toMatchObject({ status: 'failed', problem: { code: 'image_invalid' } })
    usePictures().retry(entry.key)
    expect(entry).toMatchObject({ status: 'sending', problem: null })
    usePictures().dismiss(entry.key)
    await settle()
    expect(usePictures().uploads).toEqual([])
    expect(URL.revokeObjectURL).toHaveBeenCalledWith('blob:x')
  })
})

describe('the gallery', () => {
  it('goes to the last page where the one that was asked for is gone', async () => {
    list.mockImplementation(async page => ({ items: page === 1 ? [picture('a')] : [], page, size: PAGE_SIZE, total: 1 }))
    await usePictures().load(3)
    expect(usePictures()).toMatchObject({ page: 1, total: 1, loading: false })
    expect(usePictures().items).toHaveLength(1)
  })

  it('keeps what it has when the API is away', async () => {
    list.mockResolvedValueOnce({ items: [picture('a')], page: 1, size: PAGE_SIZE, total: 1 })
    await usePictures().load()
    list.mockRejectedValueOnce(new Problem('not_json'))
    await usePictures().load(2)
    expect(usePictures()).toMatchObject({ page: 1, problem: { code: 'not_json' }, loading: false })
    expect(usePictures().items).toHaveLength(1)
  })

  it('shows the page that was asked for last, whichever answers first', async () => {
    let first: () => void = () => {}
    list.mockImplementationOnce((page, size) => new Promise((resolve) => {
      first = () => resolve({ items: [picture('slow')], page, size, total: 40 })
    }))
    list.mockResolvedValueOnce({ items: [picture('b')], page: 2, size: PAGE_SIZE, total: 40 })
    const slow = usePictures().load(1)
    await usePictures().load(2)
    first()
    await slow
    expect(usePictures().page).toBe(2)
    expect(usePictures().items.map(({ id }) => id)).toEqual(['b'])
  })
})
