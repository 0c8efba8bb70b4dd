import { whyClientCannot } from '../peers.ts'
import { transports } from '../wire.ts'
import type { Case } from '../work.ts'

const inFlight = 64

/** Round trips of `tools/call` of one client, 64 in flight, all against the floor's server. */
export const clientCalls: Case[] = transports.map((transport) => ({
  name: `client-calls/${transport}`,
  metrics: [
    {
      key: 'rate',
      title: `client: tools/call, ${transport}`,
      unit: 'requests/s',
      bar: { of: 'ratio', atLeast: 0.7 },
    },
    { key: 'cpu', title: `client: tools/call, ${transport}: CPU per request`, unit: 'µs' },
  ],
  whyNot: (peer) => whyClientCannot(peer, transport),
  async run(peer, lab) {
    const { server, port } = await lab.startServer('floor', transport)
    const client = await lab.startClient(peer)
    await client.ask('connect', { transport, port })
    await client.ask('call', { inFlight, seconds: lab.seconds(1.5) })
    const { result, subject, shares } = await lab.measure(client, server, () =>
      client.ask<number>('call', { inFlight, seconds: lab.seconds(3) }),
    )
    const calls = (result * subject.elapsedMs) / 1000
    return { rate: result, cpu: (subject.cpuMs * 1000) / calls, ...shares }
  },
}))
