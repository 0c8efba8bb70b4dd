import { whyServerCannot } from '../peers.ts'
import { type TransportName, transports } from '../wire.ts'
import type { Bar, Case } from '../work.ts'

const inFlight = 64
const bars: Partial<Record<TransportName, Bar>> = {
  'http+sse': { of: 'ratio', atLeast: 0.65 },
  'streamable-http': { of: 'ratio', atLeast: 0.5 },
  stateless: { of: 'ratio', atLeast: 0.5 },
}

/** Round trips of `tools/call`: 64 clients, each with a session and a connection of its own, and one call in flight. */
export const toolsCall: Case[] = transports.map((transport) => ({
  name: `tools-call/${transport}`,
  metrics: [
    {
      key: 'rate',
      title: `tools/call, ${transport}`,
      unit: 'requests/s',
      ...(bars[transport] && { bar: bars[transport] }),
    },
    { key: 'cpu', title: `tools/call, ${transport}: CPU per request`, unit: 'µs' },
  ],
  whyNot: (peer) => whyServerCannot(peer, transport),
  async run(peer, lab) {
    const { server, port } = await lab.startServer(peer, transport)
    const load = await lab.startLoad()
    await load.ask('openCallers', { port, transport, count: inFlight })
    await load.ask('call', { seconds: lab.seconds(1.5) })
    const { result, subject, shares } = await lab.measure(server, load, () =>
      load.ask<number>('call', { seconds: lab.seconds(3) }),
    )
    const calls = (result * subject.elapsedMs) / 1000
    return { rate: result, cpu: (subject.cpuMs * 1000) / calls, ...shares }
  },
}))
