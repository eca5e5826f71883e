import type { TaskError } from '@/api/schema'

/** Why a reconstruction has failed (`error.code`), and what to do. */
export default {
  timeout: 'It took too long and was stopped. Try again; a simpler picture may help.',
  worker_unavailable: 'No computer was free to work on it. Try again in a while.',
  worker_lost: 'The computer that worked on it went silent, again and again. Try again.',
  image_rejected: 'No model can be made from this picture. A single object before a plain background works best.',
  worker_failed: 'The reconstruction went wrong. Try again, or with another picture.',
} satisfies Record<TaskError['code'], string>
