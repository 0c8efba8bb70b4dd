// The load generator: a process of its own, with raw sockets.
import { answerParent } from '../parent.ts'
import { usageTasks } from '../usage.ts'
import { callerTasks } from './callers.ts'
import { openerTasks } from './openers.ts'
import { subscriberTasks } from './subscribers.ts'

answerParent({ ...usageTasks, ...subscriberTasks, ...callerTasks, ...openerTasks })
