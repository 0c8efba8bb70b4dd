import type { Case } from '../work.ts'
import { clientCalls } from './client-calls.ts'
import { clientNotifications } from './client-notifications.ts'
import { fanOut } from './fan-out.ts'
import { idleMemory } from './idle-memory.ts'
import { manyNodes } from './many-nodes/index.ts'
import { oneOfMany } from './one-of-many.ts'
import { pacedFanOut } from './paced-fan-out.ts'
import { sessionsOpened } from './sessions-opened.ts'
import { slowReader } from './slow-reader.ts'
import { toolsCall } from './tools-call.ts'

/** Everything that is measured. */
export const cases: Case[] = [
  ...toolsCall,
  ...fanOut,
  ...pacedFanOut,
  ...oneOfMany,
  ...idleMemory,
  ...sessionsOpened,
  ...slowReader,
  ...clientNotifications,
  ...clientCalls,
  ...manyNodes,
]
