// Many of our clients in one process. Each watches one resource.
import { connect, type TransportName } from '@tidings/client'
import { now } from '../clock.ts'
import { answerParent } from '../parent.ts'
import { usageTasks } from '../usage.ts'
import { watchedUri } from '../wire.ts'

/** Which clients are opened. */
export interface CrowdToOpen {
  port: number
  transport: TransportName
  count: number
}

const atOnce = 20
let size = 0
/** When each client was first told, of those that were, since it was asked for. */
const toldAtMs = new Map<number, number>()
let allTold: () => void = () => {}

async function open(index: number, { port, transport }: CrowdToOpen): Promise<void> {
  const path = transport === 'http+sse' || transport === 'paired' ? '/sse' : '/mcp'
  const client = await connect(`http://127.0.0.1:${port}${path}`, { transport })
  client.on('notifications/resources/updated', () => {
    if (toldAtMs.has(index)) return
    toldAtMs.set(index, now())
    if (toldAtMs.size === size) allTold()
  })
  await client.subscribe(watchedUri)
}

answerParent({
  ...usageTasks,

  async open(crowd: CrowdToOpen): Promise<void> {
    size = crowd.count
    for (let index = 0; index < size; index += atOnce) {
      const some = Math.min(atOnce, size - index)
      await Promise.all(Array.from({ length: some }, (_, offset) => open(index + offset, crowd)))
    }
  },

  /** From now on, each client has been told nothing. */
  startHearing: (): void => toldAtMs.clear(),

  /** Waits until all have been told. Gives when. */
  async toldAtMs(): Promise<number[]> {
    if (toldAtMs.size < size) await new Promise<void>((resolve) => (allTold = resolve))
    return [...toldAtMs.values()]
  },
})
