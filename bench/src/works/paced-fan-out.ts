import type { SubscribersToOpen } from '../load/subscribers.ts'
import { whyServerCannot } from '../peers.ts'
import { percentile } from '../statistics.ts'
import { transports, endUri, watchedUri } from '../wire.ts'
import type { Case } from '../work.ts'

const subscribers = 1_000
const changesPerSecond = 20

/** One resource that changes 20 times a second, told to 1,000 subscribers: from the publishing to each receiving. */
export const pacedFanOut: Case[] = transports.map((transport) => {
  const title = `${changesPerSecond} changes/s to 1,000, ${transport}`
  return {
    name: `paced-fan-out/${transport}`,
    metrics: [
      {
        key: 'p99',
        title: `${title}: p99 publish to receive`,
        unit: 'ms',
        bar: { of: 'ratio', atMost: 1.25 },
      },
      { key: 'p50', title: `${title}: median`, unit: 'ms' },
    ],
    whyNot: (peer) => whyServerCannot(peer, transport),
    async run(peer, lab) {
      const count = lab.count(subscribers)
      const { server, port } = await lab.startServer(peer, transport)
      const load = await lab.startLoad()
      await load.ask('subscribe', {
        port,
        transport,
        count,
        uris: [watchedUri, endUri],
      } satisfies SubscribersToOpen)
      const publish = async (seconds: number) => {
        await load.ask('startHearing', { withTimes: true })
        const changes = Math.ceil(seconds * changesPerSecond)
        const pace = { uris: [watchedUri], count: changes, intervalMs: 1000 / changesPerSecond }
        const publishedAtMs = await server.ask<number[]>('pace', pace)
        await server.ask('publish', { uris: [endUri], count: 1 })
        await load.ask('heard')
        return { publishedAtMs, receivedAtMs: await load.ask<number[][]>('receivedAtMs') }
      }
      await publish(lab.seconds(2))
      const { result, shares } = await lab.measure(server, load, () => publish(lab.seconds(6)))
      const { publishedAtMs, receivedAtMs } = result
      const delays = receivedAtMs.flatMap((ofOne) => {
        if (ofOne.length !== publishedAtMs.length) {
          throw new Error(`A subscriber was told ${ofOne.length} times of ${publishedAtMs.length} changes`)
        }
        return ofOne.map((atMs, index) => atMs - publishedAtMs[index]!)
      })
      return { p99: percentile(delays, 99), p50: percentile(delays, 50), ...shares }
    },
  }
})
