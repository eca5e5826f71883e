import type { Messages } from '../en'

const pictures: Messages['pictures'] = {
  title: '图片',
}

export default pictures
