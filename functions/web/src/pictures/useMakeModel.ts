import { ref, shallowRef } from 'vue'
import { useRouter } from 'vue-router'
import { uploadPicture } from '@/api/pictures'
import { asProblem, isAbort, Problem } from '@/api/problem'
import type { Format } from '@/api/tasks'
import { usePictures } from '@/stores/pictures'
import { useTasks } from '@/stores/tasks'
import type { Sample } from './samples'

/** From a picture to the page of its reconstruction. One at a time; what went wrong stands with the picture it went wrong for. */
export function useMakeModel() {
  const tasks = useTasks()
  const pictures = usePictures()
  const router = useRouter()
  /** A picture's id, or a sample's name. */
  const busy = ref<string | null>(null)
  const failed = shallowRef<{ of: string, problem: Problem } | null>(null)

  function make(pictureId: string, formats: Format[] = []): Promise<void> {
    return start(pictureId, () => tasks.create(pictureId, formats))
  }

  /** A sample is uploaded like any picture, once: the same one again is taken from the gallery. */
  function makeSample(sample: Sample): Promise<void> {
    return start(sample.name, async () => {
      const file = await fetched(sample)
      const had = pictures.items.find(({ name, size }) => name === file.name && size === file.size)
      const picture = had ?? await uploadPicture(file)
      if (!had) void pictures.load(1)
      return tasks.create(picture.id)
    })
  }

  async function start(of: string, create: () => Promise<string>): Promise<void> {
    if (busy.value) return
    busy.value = of
    failed.value = null
    const here = router.currentRoute.value.name
    try {
      const id = await create()
      // Whoever has gone elsewhere meanwhile is left there.
      if (router.currentRoute.value.name === here) await router.push({ name: 'task', params: { id } })
    } catch (thrown) {
      if (isAbort(thrown)) return
      failed.value = { of, problem: asProblem(thrown) }
      if (failed.value.problem.code === 'picture_not_found') void pictures.load() // deleted in another tab
    } finally {
      busy.value = null
    }
  }

  return { busy, failed, make, makeSample }
}

async function fetched({ name, url }: Sample): Promise<File> {
  const response = await fetch(url).catch((cause) => { throw new Problem('unreachable', { cause }) })
  if (!response.ok) throw new Problem('unreachable', { status: response.status })
  return new File([await response.blob()], `${name}.webp`, { type: 'image/webp' })
}
