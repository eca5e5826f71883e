import type { TaskStatus } from '@/api/schema'

export default {
  PENDING: '等待中',
  PROCESSING: '进行中',
  COMPLETED: '已完成',
  FAILED: '失败',
  CANCELLED: '已取消',
} satisfies Record<TaskStatus, string>
