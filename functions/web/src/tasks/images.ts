import type { TaskResult } from '@/api/schema'
import type { TaskState } from '@/events/fold'
import { useTasks } from '@/stores/tasks'
import type { Renew } from './useSteadyUrl'

export interface TaskImage { src: string, identity: string, renew: Renew }

export function resultNamed(task: Pick<TaskState, 'results'>, ...names: string[]): TaskResult | undefined {
  return names.map(name => task.results.find(result => result.name === name)).find(Boolean)
}

/** A result as an image, for SignedImage. */
export function resultImage(taskId: string, { name, url, sha256 }: TaskResult): TaskImage {
  return { src: url, identity: sha256, renew: async () => (await useTasks().freshResult(taskId, name))?.url }
}

/** The picture that a task was made from: its own copy, which outlives the gallery's. */
export function originalImage({ taskId, originalImageUrl }: Pick<TaskState, 'taskId' | 'originalImageUrl'>): TaskImage | undefined {
  if (!originalImageUrl) return undefined
  return { src: originalImageUrl, identity: taskId, renew: async () => (await useTasks().refresh(taskId)).originalImageUrl }
}
