import type { Messages } from '../en'

const tasks: Messages['tasks'] = {
  title: '重建任务',
}

export default tasks
