import type { TaskStatus } from '@/api/schema'

export default {
  PENDING: 'Waiting',
  PROCESSING: 'In progress',
  COMPLETED: 'Done',
  FAILED: 'Failed',
  CANCELLED: 'Cancelled',
} satisfies Record<TaskStatus, string>
