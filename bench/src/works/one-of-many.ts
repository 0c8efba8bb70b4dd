import type { Child } from '../child.ts'
import type { Heard, SubscribersToOpen } from '../load/subscribers.ts'
import { whyServerCannot } from '../peers.ts'
import type { Changes } from '../servers/control.ts'
import { median } from '../statistics.ts'
import { type TransportName, endUri, numberedUri, watchedUri } from '../wire.ts'
import type { Case } from '../work.ts'

// In a session, and without one: the other transports have the same sessions.
const transports: TransportName[] = ['http+sse', 'stateless']
const few = 100
const many = 10_000
const changes = 20_000
/**
 * In so many parts, by turns with few and with many: a machine is not equally fast at all times. The median counts, since
 * servers do something for all their streams every so many seconds, whatever changes.
 */
const turns = 11

/** A server with so many subscribers. */
interface Among {
  server: Child
  load: Child
}

/** A change that is one subscriber's business, while 99 others watch something else, and while 9,999 do. */
export const oneOfMany: Case[] = transports.map((transport) => {
  const title = `a change for 1 of 10,000, ${transport}`
  return {
    name: `one-of-many/${transport}`,
    metrics: [
      {
        key: 'slowdown',
        title: `${title}: CPU, to that for 1 of 100`,
        unit: 'x',
        absolute: true,
        // "No slower", and what two measurements of the same differ by.
        bar: { of: 'value', atMost: 1.1 },
      },
      { key: 'cpu', title: `${title}: CPU per change`, unit: 'µs' },
    ],
    whyNot: (peer) => whyServerCannot(peer, transport),
    async run(peer, lab) {
      const openAmong = async (total: number): Promise<Among> => {
        const { server, port } = await lab.startServer(peer, transport)
        const load = await lab.startLoad()
        const open = (count: number, uris: string[], uriOfEach: string[] = []) =>
          load.ask('subscribe', { port, transport, count, uris, uriOfEach } satisfies SubscribersToOpen)
        await open(1, [watchedUri, endUri])
        const others = Math.max(1, total - 1)
        await open(
          others,
          [],
          Array.from({ length: others }, (_, index) => numberedUri(index)),
        )
        return { server, load }
      }
      const publish = async ({ server, load }: Among, count: number) => {
        await load.ask('startHearing', { withTimes: false })
        await server.ask('publish', { uris: [watchedUri], count } satisfies Changes)
        await server.ask('publish', { uris: [endUri], count: 1 } satisfies Changes)
        await load.ask<Heard>('heard')
      }

      const cpuPerChange = async (among: Among, count: number) => {
        const before = await among.server.ask<number>('cpuMs')
        await publish(among, count)
        return (((await among.server.ask<number>('cpuMs')) - before) * 1000) / count
      }

      const amongFew = await openAmong(few)
      const amongMany = await openAmong(lab.count(many))
      const count = lab.count(changes / turns)
      for (const among of [amongFew, amongMany]) await publish(among, Math.ceil((count * turns) / 2))
      const measured: { cpu: number; cpuAmongFew: number; slowdown: number }[] = []
      for (let turn = 0; turn < turns; turn++) {
        const cpuAmongFew = await cpuPerChange(amongFew, count)
        const cpu = await cpuPerChange(amongMany, count)
        measured.push({ cpu, cpuAmongFew, slowdown: cpu / cpuAmongFew })
      }
      const medianOf = (key: keyof (typeof measured)[0]) => median(measured.map((turn) => turn[key]))
      return { cpu: medianOf('cpu'), cpuAmongFew: medianOf('cpuAmongFew'), slowdown: medianOf('slowdown') }
    },
  }
})
