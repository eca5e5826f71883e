import type { TaskError } from '@/api/schema'

export default {
  timeout: '用时过长，已停止。请重试；换一张更简单的图片可能有帮助。',
  worker_unavailable: '没有空闲的计算节点。请过一会儿再试。',
  worker_lost: '负责计算的节点多次失去联系。请重试。',
  image_rejected: '这张图片无法生成模型。背景干净、只有一个物体的照片效果最好。',
  worker_failed: '重建出错。请重试，或换一张图片。',
} satisfies Record<TaskError['code'], string>
