import { whyClientCannot } from '../peers.ts'
import { transports, watchedUri } from '../wire.ts'
import type { Case } from '../work.ts'

const notifications = 200_000

/** Notifications that one client parses and dispatches, from the floor's server, which sends them as fast as it reads. */
export const clientNotifications: Case[] = transports.map((transport) => ({
  name: `client-notifications/${transport}`,
  metrics: [
    {
      key: 'rate',
      title: `client: notifications, ${transport}`,
      unit: 'events/s',
      bar: { of: 'ratio', atLeast: 0.6 },
    },
    { key: 'cpu', title: `client: notifications, ${transport}: CPU per event`, unit: 'µs' },
  ],
  whyNot: (peer) => whyClientCannot(peer, transport),
  async run(peer, lab) {
    const { server, port } = await lab.startServer('floor', transport)
    const client = await lab.startClient(peer)
    await client.ask('connect', { transport, port })
    await client.ask('subscribe')
    const hear = async (count: number) => {
      await client.ask('startHearing', { count })
      const startedAtMs = await server.ask<number>('blast', { uri: watchedUri, count })
      return (await client.ask<number>('heard')) - startedAtMs
    }
    const count = lab.count(notifications / 100) * 100
    await hear(Math.ceil(count / 300) * 100)
    const { result, subject, shares } = await lab.measure(client, server, () => hear(count))
    return { rate: (count / result) * 1000, cpu: (subject.cpuMs / count) * 1000, ...shares }
  },
}))
