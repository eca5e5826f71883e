import { expect, it, vi } from 'vitest'
import { effectScope } from 'vue'
import { useCamera } from './useCamera'

function fakeStream() {
  const track = Object.assign(new EventTarget(), { stop: vi.fn() })
  return { track, stream: { getTracks: () => [track], getVideoTracks: () => [track] } as unknown as MediaStream }
}

function camera(getUserMedia?: (constraints: MediaStreamConstraints) => Promise<MediaStream>, cameras = 1) {
  const scope = effectScope()
  const devices = getUserMedia && {
    getUserMedia, enumerateDevices: async () => Array.from({ length: cameras }, () => ({ kind: 'videoinput' })),
  } as unknown as MediaDevices
  return { ...scope.run(() => useCamera(devices))!, stop: () => scope.stop() }
}

it('is live after it was allowed, and off with its component', async () => {
  const { stream, track } = fakeStream()
  const it = camera(async () => stream, 2)
  await it.open()
  expect(it.state.value).toBe('live')
  expect(it.stream.value).toBe(stream)
  expect(it.several.value).toBe(true)
  it.stop()
  expect(track.stop).toHaveBeenCalled()
})

it.each([
  ['NotAllowedError', 'denied'],
  ['NotFoundError', 'missing'],
  ['NotReadableError', 'busy'],
])('%s is %s', async (name, state) => {
  const it = camera(() => Promise.reject(new DOMException('', name)))
  await it.open()
  expect(it.state.value).toBe(state)
})

it('says where there can be none', async () => {
  const it = camera()
  await it.open()
  expect(it.state.value).toBe('unsupported')
})

it('lets go of a camera that comes after the dialog was closed', async () => {
  const { stream, track } = fakeStream()
  let allow: (stream: MediaStream) => void
  const it = camera(() => new Promise((resolve) => { allow = resolve }))
  const opening = it.open()
  expect(it.state.value).toBe('asking')
  it.close()
  allow!(stream)
  await opening
  expect(track.stop).toHaveBeenCalled()
  expect(it.state.value).toBe('off')
  expect(it.stream.value).toBeNull()
})

it('stops the one before it asks for the other', async () => {
  const made = [fakeStream(), fakeStream()]
  const asked: unknown[] = []
  const it = camera(async ({ video }) => {
    asked.push((video as MediaTrackConstraints).facingMode)
    return made[asked.length - 1]!.stream
  })
  await it.open()
  await it.flip()
  expect(asked).toEqual([{ ideal: 'environment' }, { ideal: 'user' }])
  expect(made[0]!.track.stop).toHaveBeenCalled()
  expect(it.stream.value).toBe(made[1]!.stream)
})

it('is off when it was unplugged', async () => {
  const { stream, track } = fakeStream()
  const it = camera(async () => stream)
  await it.open()
  track.dispatchEvent(new Event('ended'))
  expect(it.state.value).toBe('off')
})
