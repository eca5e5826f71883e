import { until, usePreferredReducedMotion } from '@vueuse/core'
import { computed, onScopeDispose, ref, shallowRef, watch, type Ref } from 'vue'
import type { Problem } from '@/api/problem'
import { asProblem, isAbort } from '@/api/problem'
import type { TaskResult } from '@/api/schema'
import { useTasks } from '@/stores/tasks'
import type { Light, Mode } from './choices'
import { ModelError } from './failure'
import { fetchResult } from './fetchResult'
import type { Facts } from './messages'
import { NoWebGL, RemoteStage, ScriptMissing } from './remoteStage'
import { sourceIn } from './source'

export type Phase =
  | 'empty' // no file to show yet
  | 'loading'
  | 'ready'
  | 'failed' // `trouble` says why
  | 'flat' // no WebGL: a picture has to do
  | 'lost' // the browser took WebGL away, and may give it back

/** What came between: a file that can't be shown, a call that failed, or a script that could not be loaded. */
export type Trouble = ModelError | Problem | 'script'

/** How long a model's file waits for the picture of it: that is small, shows what is to come, and they share a line. */
const PICTURE_FIRST = 1500

/** A model on a canvas: loads three.js, fetches the file, shows it, and gives everything back at the end. */
export function useViewer(
  canvas: Ref<HTMLCanvasElement | null>, taskId: () => string, results: () => readonly TaskResult[], pictured: Ref<boolean>,
) {
  const tasks = useTasks()
  const motion = usePreferredReducedMotion()
  const stage = shallowRef<RemoteStage | null>(null)
  const phase = ref<Phase>('empty')
  const share = ref(0)
  const trouble = shallowRef<Trouble | null>(null)
  const facts = shallowRef<Facts | null>(null)
  const mode = ref<Mode>('textured')
  const light = ref<Light>('soft')
  const turning = ref(false)
  let leaving = new AbortController()

  const source = computed(() => sourceIn(results()))
  /** Fresh URLs come as new results: only other bytes are another model. */
  const identity = computed(() => source.value && `${taskId()} ${source.value.name} ${source.value.sha256}`)

  async function load(): Promise<void> {
    leaving.abort()
    const { signal } = leaving = new AbortController()
    trouble.value = null
    if (!source.value || !canvas.value) {
      phase.value = 'empty'
      return
    }
    phase.value = 'loading'
    share.value = 0
    const { kind, name } = source.value
    try {
      const opened = stage.value ??= open(canvas.value)
      await until(pictured).toBe(true, { timeout: PICTURE_FIRST })
      signal.throwIfAborted()
      // Side by side: three.js is about as large as a model.
      const [bytes] = await Promise.all([
        fetchResult(tasks, taskId(), name, { signal, onShare: (part) => { share.value = part } }),
        opened.ready,
      ])
      facts.value = await opened.show(kind, bytes, signal)
      signal.throwIfAborted()
      if (!facts.value.invented && mode.value === 'invented') mode.value = 'textured'
      phase.value = 'ready'
    } catch (thrown) {
      if (signal.aborted || isAbort(thrown)) return
      fail(thrown)
    }
  }

  function open(on: HTMLCanvasElement): RemoteStage {
    const stage = new RemoteStage(on, {
      calm: motion.value === 'reduce',
      onLost: () => { phase.value = 'lost' },
      onRestored: () => { phase.value = 'ready' },
    })
    stage.tell('setMode', mode.value)
    stage.tell('setLight', light.value)
    stage.tell('setTurning', turning.value)
    return stage
  }

  function fail(thrown: unknown): void {
    console.warn('viewer', thrown)
    if (thrown instanceof NoWebGL) {
      leaving.abort() // the file would be fetched for nothing
      phase.value = 'flat'
      return
    }
    if (thrown instanceof ScriptMissing) close() // the next try begins anew
    trouble.value = thrown instanceof ScriptMissing ? 'script' : thrown instanceof ModelError ? thrown : asProblem(thrown)
    phase.value = 'failed'
  }

  function close(): void {
    leaving.abort()
    stage.value?.dispose()
    stage.value = null
  }

  watch([identity, canvas], load, { immediate: true, flush: 'post' })
  watch(mode, to => stage.value?.tell('setMode', to))
  watch(light, to => stage.value?.tell('setLight', to))
  watch(turning, to => stage.value?.tell('setTurning', to))
  onScopeDispose(close)

  return { stage, phase, share, trouble, facts, mode, light, turning, source, retry: load }
}
