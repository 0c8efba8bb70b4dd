import type { Heard, SubscribersToOpen } from '../load/subscribers.ts'
import { whyServerCannot } from '../peers.ts'
import type { Changes } from '../servers/control.ts'
import { type Door, endUri, numberedUri, watchedUri } from '../wire.ts'
import type { Case } from '../work.ts'

// In a session, and without one: the other doors have the same sessions.
const doors: Door[] = ['http+sse', 'stateless']
const few = 100
const many = 10_000
const changes = 20_000

/** A change that is one subscriber's business, while 99 others watch something else, and while 9,999 do. */
export const oneOfMany: Case[] = doors.map((door) => {
  const title = `a change for 1 of 10,000, ${door}`
  return {
    name: `one-of-many/${door}`,
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
    whyNot: (peer) => whyServerCannot(peer, door),
    async run(peer, lab) {
      const { server, port } = await lab.startServer(peer, door)
      const load = await lab.startLoad()
      const open = async (count: number, uris: string[], uriOfEach: string[] = []) => {
        await load.ask('subscribe', { port, door, count, uris, uriOfEach } satisfies SubscribersToOpen)
      }
      const openOthers = async (from: number, to: number) => {
        const numbers = Array.from({ length: to - from }, (_, index) => numberedUri(from + index))
        await open(numbers.length, [], numbers)
      }
      const publish = async (count: number) => {
        await load.ask('startHearing', { withTimes: false })
        await server.ask('publish', { uris: [watchedUri], count } satisfies Changes)
        await server.ask('publish', { uris: [endUri], count: 1 } satisfies Changes)
        await load.ask<Heard>('heard')
      }
      const count = lab.count(changes)
      const cpuPerChange = async () => {
        await publish(Math.ceil(count / 2))
        const { subject, shares } = await lab.measure(server, load, () => publish(count))
        return { cpu: (subject.cpuMs / count) * 1000, ...shares }
      }

      await open(1, [watchedUri, endUri])
      await openOthers(1, few)
      const amongFew = await cpuPerChange()
      await openOthers(few, Math.max(few + 1, lab.count(many)))
      const amongMany = await cpuPerChange()
      return { ...amongMany, slowdown: amongMany.cpu / amongFew.cpu, cpuAmongFew: amongFew.cpu }
    },
  }
})
