import type { Messages } from '../en'

const viewer: Messages['viewer'] = {
  title: '模型',
}

export default viewer
