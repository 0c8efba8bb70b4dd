import type { Heard, SubscribersToOpen } from '../load/subscribers.ts'
import { whyServerCannot } from '../peers.ts'
import type { Changes, Published } from '../servers/control.ts'
import { transports, endUri, longUri } from '../wire.ts'
import type { Case } from '../work.ts'

const changes = 200_000

/** How much the server grows while a reader of a resource does not read, and the resource changes 200,000 times. */
export const slowReader: Case[] = transports.map((transport) => ({
  name: `slow-reader/${transport}`,
  metrics: [
    {
      key: 'growth',
      title: `a reader that does not read 200,000 changes of 1 KiB, ${transport}: growth`,
      unit: 'MiB',
      absolute: true,
      bar: { of: 'value', atMost: 10 },
    },
  ],
  whyNot: (peer) => whyServerCannot(peer, transport),
  async run(peer, lab) {
    // A floor that went on writing would grow without end.
    const { server, port } = await lab.startServer(peer, transport, 'coalesce')
    const load = await lab.startLoad()
    await load.ask('subscribe', {
      port,
      transport,
      count: 1,
      uris: [longUri, endUri],
    } satisfies SubscribersToOpen)
    const count = lab.count(changes)
    const publish = (uri: string, times: number) =>
      server.ask<Published>('publish', { uris: [uri], count: times } satisfies Changes)
    // While it reads: what the heap grows by then is not the slow reader's doing.
    await publish(longUri, Math.ceil(count / 5))
    const before = await server.ask<number>('memory')
    await load.ask('startHearing', { withTimes: false })
    await load.ask('stopReading')
    const { peakBytes } = await publish(longUri, count)
    await load.ask('readOn')
    await publish(endUri, 1)
    const { events } = await load.ask<Heard>('heard')
    return { growth: (peakBytes - before) / 2 ** 20, told: events }
  },
}))
