import { onScopeDispose, readonly, ref, shallowRef } from 'vue'

export type CameraProblem = 'denied' | 'missing' | 'busy' | 'unsupported'
export type CameraState = 'off' | 'asking' | 'live' | CameraProblem

/** The page's camera: on between `open` and `close`, and never longer than the component lives. */
export function useCamera(devices: MediaDevices | undefined = navigator.mediaDevices) {
  const state = ref<CameraState>('off')
  const stream = shallowRef<MediaStream | null>(null)
  /** Whether there is another one to change to. */
  const several = ref(false)
  let facing: 'environment' | 'user' = 'environment'
  /** Counts openings: an answer that comes after `close` is not wanted any more. */
  let opening = 0

  async function open(): Promise<void> {
    close()
    const mine = ++opening
    if (!devices?.getUserMedia) {
      state.value = 'unsupported'
      return
    }
    state.value = 'asking'
    try {
      const live = await devices.getUserMedia({
        audio: false, video: { facingMode: { ideal: facing }, width: { ideal: 1920 }, height: { ideal: 1440 } },
      })
      if (mine !== opening) return stop(live)
      stream.value = live
      state.value = 'live'
      live.getVideoTracks()[0]?.addEventListener('ended', () => { if (stream.value === live) close() })
      several.value = (await devices.enumerateDevices()).filter(({ kind }) => kind === 'videoinput').length > 1
    } catch (thrown) {
      if (mine === opening) state.value = problemOf(thrown)
    }
  }

  function close(): void {
    opening++
    stop(stream.value)
    stream.value = null
    state.value = 'off'
  }

  async function flip(): Promise<void> {
    facing = facing === 'environment' ? 'user' : 'environment'
    await open()
  }

  onScopeDispose(close)

  return { state: readonly(state), stream, several: readonly(several), open, close, flip }
}

function stop(stream: MediaStream | null): void {
  stream?.getTracks().forEach(track => track.stop())
}

function problemOf(thrown: unknown): CameraProblem {
  const name = thrown instanceof Error || thrown instanceof DOMException ? thrown.name : ''
  if (name === 'NotAllowedError' || name === 'SecurityError') return 'denied'
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return 'missing'
  return 'busy'
}

/** What the video shows now, as a file. */
export async function still(video: HTMLVideoElement, at = new Date()): Promise<File> {
  const canvas = document.createElement('canvas')
  canvas.width = video.videoWidth
  canvas.height = video.videoHeight
  canvas.getContext('2d')?.drawImage(video, 0, 0)
  const blob = await new Promise<Blob | null>(resolve => canvas.toBlob(resolve, 'image/jpeg', 0.92))
  if (!blob) throw new Error('the camera gave no picture')
  return new File([blob], `photo-${at.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}.jpg`, { type: 'image/jpeg' })
}
