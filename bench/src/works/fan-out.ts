import type { Heard, SubscribersToOpen } from '../load/subscribers.ts'
import { whyServerCannot } from '../peers.ts'
import type { Changes, Published } from '../servers/control.ts'
import { transports, endUri, watchedUri } from '../wire.ts'
import type { Case } from '../work.ts'

/** Events that are delivered in the part that is measured; before that, a third of it. */
const totalEvents = 300_000

/** One resource that changes as fast as the server can tell all its subscribers, one change a turn of the event loop. */
export const fanOut: Case[] = [100, 1_000, 5_000].flatMap((subscribers) =>
  transports.map((transport): Case => {
    const title = `fan-out to ${subscribers.toLocaleString('en')}, ${transport}`
    return {
      name: `fan-out/${transport}/${subscribers}`,
      metrics: [
        { key: 'rate', title, unit: 'events/s', bar: { of: 'ratio', atLeast: 1 } },
        { key: 'cpu', title: `${title}: CPU per event`, unit: 'µs', bar: { of: 'ratio', atMost: 1 } },
      ],
      whyNot: (peer) => whyServerCannot(peer, transport),
      caveat: ({ delivered }) =>
        delivered! < 1
          ? `merged changes: ${(delivered! * 100).toFixed(0)} % were delivered one by one`
          : undefined,
      async run(peer, lab) {
        const count = lab.count(subscribers)
        const changes = Math.ceil(lab.count(totalEvents) / count)
        const { server, port } = await lab.startServer(peer, transport)
        const load = await lab.startLoad()
        await load.ask('subscribe', {
          port,
          transport,
          count,
          uris: [watchedUri, endUri],
        } satisfies SubscribersToOpen)
        const publish = async (times: number) => {
          await load.ask('startHearing', { withTimes: false })
          const changes: Changes = { uris: [watchedUri], count: times }
          const { startedAtMs } = await server.ask<Published>('publish', changes)
          await server.ask('publish', { uris: [endUri], count: 1 } satisfies Changes)
          const { events, lastAtMs } = await load.ask<Heard>('heard')
          return { events, elapsedMs: lastAtMs - startedAtMs }
        }
        await publish(Math.ceil(changes / 3))
        const { result, subject, shares } = await lab.measure(server, load, () => publish(changes))
        return {
          rate: (result.events / result.elapsedMs) * 1000,
          cpu: (subject.cpuMs / result.events) * 1000,
          delivered: result.events / (changes * count),
          ...shares,
        }
      },
    }
  }),
)
