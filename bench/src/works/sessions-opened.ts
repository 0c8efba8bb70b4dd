import { whyServerCannot } from '../peers.ts'
import type { Door } from '../wire.ts'
import type { Case } from '../work.ts'

const sessionDoors: Door[] = ['http+sse', 'paired', 'streamable']
const sessions = 3_000

/** Sessions opened in a second, 64 at once: the stream, `initialize` and `notifications/initialized`. They stay open. */
export const sessionsOpened: Case[] = sessionDoors.map((door) => ({
  name: `sessions-opened/${door}`,
  metrics: [
    {
      key: 'rate',
      title: `sessions opened, ${door}`,
      unit: 'sessions/s',
      bar: { of: 'ratio', atLeast: 0.4 },
    },
    { key: 'cpu', title: `sessions opened, ${door}: CPU per session`, unit: 'µs' },
  ],
  whyNot: (peer) => whyServerCannot(peer, door),
  async run(peer, lab) {
    const { server, port } = await lab.startServer(peer, door)
    const load = await lab.startLoad()
    const count = lab.count(sessions)
    await load.ask('openSessions', { port, door, count: Math.ceil(count / 3) })
    const { result, subject, shares } = await lab.measure(server, load, () =>
      load.ask<number>('openSessions', { port, door, count }),
    )
    return { rate: result, cpu: (subject.cpuMs / count) * 1000, ...shares }
  },
}))
