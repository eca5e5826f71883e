import type { Messages } from '../en'
import failures from './failures'
import pictures from './pictures'
import problems from './problems'
import shell from './shell'
import status from './status'
import tasks from './tasks'
import viewer from './viewer'

const zh: Messages = { failures, pictures, problems, shell, status, tasks, viewer }

export default zh
