import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { effectScope, type EffectScope } from 'vue'
import { usePageFiles } from './usePageFiles'

const file = new File(['x'], 'a.png')
let scope: EffectScope
let take: ReturnType<typeof vi.fn<(files: File[]) => void>>
let over: { readonly value: boolean }

beforeEach(() => {
  scope = effectScope()
  take = vi.fn()
  scope.run(() => { over = usePageFiles(take).over })
})
afterEach(() => scope.stop())

/** jsdom has no DataTransfer. */
function send(name: string, types: string[], files: File[] = [], target: EventTarget = document.body): Event {
  const data = { types, files, dropEffect: 'none' }
  const event = Object.assign(new Event(name, { bubbles: true, cancelable: true }), { dataTransfer: data, clipboardData: data })
  target.dispatchEvent(event)
  return event
}

it('is over from the first element entered to the last one left', () => {
  send('dragenter', ['Files'])
  send('dragenter', ['Files']) // a child, before its parent is left
  send('dragleave', ['Files'])
  expect(over.value).toBe(true)
  send('dragleave', ['Files'])
  expect(over.value).toBe(false)
})

it('takes what is dropped, and keeps the browser from opening it', () => {
  send('dragenter', ['Files'])
  expect(send('dragover', ['Files']).defaultPrevented).toBe(true)
  expect(send('drop', ['Files'], [file]).defaultPrevented).toBe(true)
  expect(take).toHaveBeenCalledWith([file])
  expect(over.value).toBe(false)
})

it('tells of a link without a file, and leaves dragged text alone', () => {
  send('drop', ['text/uri-list'])
  expect(take).toHaveBeenCalledWith([])
  send('dragenter', ['text/plain'])
  expect(over.value).toBe(false)
  expect(send('drop', ['text/plain']).defaultPrevented).toBe(false)
  expect(take).toHaveBeenCalledTimes(1)
})

it('takes a pasted picture, but not text, nor what goes into a field', () => {
  const field = document.body.appendChild(document.createElement('input'))
  send('paste', ['Files'], [file], field)
  send('paste', ['text/plain'])
  expect(take).not.toHaveBeenCalled()
  send('paste', ['Files'], [file])
  expect(take).toHaveBeenCalledWith([file])
  field.remove()
})

it('listens no longer than its component lives', () => {
  scope.stop()
  send('drop', ['Files'], [file])
  expect(take).not.toHaveBeenCalled()
})
