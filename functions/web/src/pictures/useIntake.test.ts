import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, expect, it, vi } from 'vitest'
import { effectScope } from 'vue'
import { limits } from '@/api/pictures'
import { usePictures } from '@/stores/pictures'
import type { Shrink } from './shrink'
import './testing'
import { useIntake, type IntakeOptions } from './useIntake'

const PNG = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]
const png = (name: string, width = 10, height = 10, type = 'image/png') =>
  new File([new Uint8Array([...PNG, 0, 0, width >> 8, width & 0xFF, 0, 0, height >> 8, height & 0xFF])], name, { type })

function intake(options: IntakeOptions = {}) {
  const scope = effectScope()
  return { ...scope.run(() => useIntake(options))!, stop: () => scope.stop() }
}

const uploaded = () => vi.mocked(usePictures().upload).mock.calls.map(([file]) => file)

beforeEach(() => {
  setActivePinia(createPinia())
  vi.spyOn(usePictures(), 'upload').mockReturnValue({} as never)
})

it('uploads pictures as what their bytes say', async () => {
  const { take, held } = intake()
  await take([png('a.png'), png('liar.jpg', 10, 10, 'image/jpeg'), png('pasted', 10, 10, '')])
  expect(uploaded().map(({ name, type }) => [name, type])).toEqual([['a.png', 'image/png'], ['liar.jpg', 'image/png'], ['pasted', 'image/png']])
  expect(held.value).toEqual([])
})

it('holds back what is none, with the reason, and takes the others all the same', async () => {
  const onRefused = vi.fn()
  const { take, held, letGo } = intake({ onRefused })
  const folder = new File([''], 'folder')
  folder.slice = () => ({ arrayBuffer: () => Promise.reject(new DOMException('', 'NotFoundError')) }) as unknown as Blob
  const heavy = png('heavy.png')
  Object.defineProperty(heavy, 'size', { value: limits.bytes + 1 })
  await take([new File(['text'], 'fake.jpg', { type: 'image/jpeg' }), folder, heavy, png('wide.png', 60_000, 60_000), png('good.png')])
  expect(held.value.map(({ refusal }) => refusal)).toEqual(['tooManyPixels', 'tooLarge', 'unreadable', 'notPicture'])
  expect(onRefused).toHaveBeenCalledTimes(4)
  expect(uploaded().map(({ name }) => name)).toEqual(['good.png'])
  letGo(held.value[0]!.key)
  expect(held.value).toHaveLength(3)
})

it('shrinks on request and uploads what came out', async () => {
  const small = png('wide.webp')
  const shrink = vi.fn<Shrink>(async () => ({ file: small, width: 4096, height: 4096 }))
  const onShrunk = vi.fn()
  const { take, held, shrinkHeld } = intake({ shrink, onShrunk })
  await take([png('wide.png', 60_000, 60_000)])
  await shrinkHeld(held.value[0]!.key)
  expect(uploaded()).toEqual([small])
  expect(onShrunk).toHaveBeenCalledWith(small, { width: 4096, height: 4096 })
  expect(held.value).toEqual([])
})

it('says so where the browser cannot', async () => {
  const { take, held, shrinkHeld } = intake({ shrink: () => Promise.reject(new Error('InvalidStateError')) })
  await take([png('wide.png', 60_000, 60_000)])
  await shrinkHeld(held.value[0]!.key)
  expect(held.value[0]).toMatchObject({ refusal: 'cannotShrink', shrinking: false })
  expect(uploaded()).toEqual([])
})

it('stops shrinking when the file is let go, or the page is left', async () => {
  const signals: AbortSignal[] = []
  const shrink: Shrink = (_, signal) => new Promise((_, reject) => {
    signals.push(signal!)
    signal?.addEventListener('abort', () => reject(signal.reason))
  })
  const onRefused = vi.fn()
  const { take, held, shrinkHeld, letGo, stop } = intake({ shrink, onRefused })
  await take([png('a.png', 60_000, 60_000), png('b.png', 60_000, 60_000)])
  onRefused.mockClear()
  const both = held.value.map(({ key }) => shrinkHeld(key))
  letGo(held.value[0]!.key)
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false])
  stop()
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
  await Promise.all(both)
  expect(onRefused).not.toHaveBeenCalled()
})

it('makes smaller at once what the server has refused', async () => {
  const shrink = vi.fn<Shrink>(async file => ({ file, width: 1, height: 1 }))
  const { takeSmaller } = intake({ shrink })
  await takeSmaller(png('a.png'))
  expect(uploaded()).toHaveLength(1)
})
