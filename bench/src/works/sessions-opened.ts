import { whyServerCannot } from '../peers.ts'
import type { TransportName } from '../wire.ts'
import type { Case } from '../work.ts'

const sessionTransports: TransportName[] = ['http+sse', 'paired', 'streamable-http']
const sessions = 3_000

/** Sessions opened in a second, 64 at once: the stream, `initialize` and `notifications/initialized`. They stay open. */
export const sessionsOpened: Case[] = sessionTransports.map((transport) => ({
  name: `sessions-opened/${transport}`,
  metrics: [
    {
      key: 'rate',
      title: `sessions opened, ${transport}`,
      unit: 'sessions/s',
      bar: { of: 'ratio', atLeast: 0.4 },
    },
    { key: 'cpu', title: `sessions opened, ${transport}: CPU per session`, unit: 'µs' },
  ],
  whyNot: (peer) => whyServerCannot(peer, transport),
  async run(peer, lab) {
    const { server, port } = await lab.startServer(peer, transport)
    const load = await lab.startLoad()
    const count = lab.count(sessions)
    await load.ask('openSessions', { port, transport, count: Math.ceil(count / 3) })
    const { result, subject, shares } = await lab.measure(server, load, () =>
      load.ask<number>('openSessions', { port, transport, count }),
    )
    return { rate: result, cpu: (subject.cpuMs / count) * 1000, ...shares }
  },
}))
