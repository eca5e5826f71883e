import type { MessageKey, Translate } from '@/i18n'

/** The stages of both engines and of the worker around them. Others are shown in the worker's own words. */
const labels = {
  queued: 'tasks.stages.queued',
  load: 'tasks.stages.load',
  read: 'tasks.stages.read',
  matte: 'tasks.stages.matte',
  depth: 'tasks.stages.depth',
  coordinates: 'tasks.stages.coordinates',
  mesh: 'tasks.stages.mesh',
  texture: 'tasks.stages.texture',
  views: 'tasks.stages.views',
  pack: 'tasks.stages.pack',
  export: 'tasks.stages.pack',
  thumbnail: 'tasks.stages.thumbnail',
  turntable: 'tasks.stages.turntable',
  report: 'tasks.stages.report',
  upload: 'tasks.stages.upload',
} as const satisfies Record<string, MessageKey>

export function stageLabel(stage: string, t: Translate): string {
  return Object.hasOwn(labels, stage) ? t(labels[stage as keyof typeof labels]) : stage
}

/** A stage that was seen, since when. */
export interface Seen { attempt: number, stage: string, at: string }

/** Keeps the stages of the present attempt in the order in which they came. The same list where there is no new one. */
export function noteStage(seen: Seen[], { attempt, stage, updatedAt: at }: { attempt: number, stage: string, updatedAt: string }): Seen[] {
  const present = seen.filter(other => other.attempt === attempt)
  if (!stage || present.at(-1)?.stage === stage) return present.length === seen.length ? seen : present
  return [...present, { attempt, stage, at }]
}
