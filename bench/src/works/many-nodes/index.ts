import type { Case } from '../../work.ts'
import { bytesPerSession } from './bytes.ts'
import { relayedCalls, storedCalls } from './calls.ts'
import { changesThroughRedis } from './changes.ts'
import { fanOutOnRedis } from './fan-out.ts'
import { kill } from './kill.ts'
import { latency } from './latency.ts'
import { workers } from './workers.ts'

/** What many nodes are like, and the workers of one machine, beside one node. */
export const manyNodes: Case[] = [
  latency,
  changesThroughRedis,
  fanOutOnRedis,
  ...storedCalls,
  ...relayedCalls,
  ...kill,
  ...bytesPerSession,
  ...workers,
]
