import { now } from '../clock.ts'
import type { TransportName } from '../wire.ts'
import { inParallel } from './in-parallel.ts'
import { Pool } from './pool.ts'
import { openSession } from './sessions.ts'

/** Which sessions are opened. */
export interface SessionsToOpen {
  port: number
  transport: TransportName
  count: number
}

const atOnce = 64

/** The task of those who open a session and do nothing with it. */
export const openerTasks = {
  /** Gives the sessions opened in a second. They stay open. */
  async openSessions({ port, transport, count }: SessionsToOpen): Promise<number> {
    const pool = new Pool(port)
    let lost: Error | undefined
    const onLost = (error: Error) => {
      lost ??= error
    }
    const startedAtMs = now()
    await inParallel(count, atOnce, () => openSession(transport, { port, pool, onLost }))
    const perSecond = (count / (now() - startedAtMs)) * 1000
    pool.close()
    if (lost) throw lost
    return perSecond
  },
}
