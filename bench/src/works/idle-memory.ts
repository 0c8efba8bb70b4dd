import { whyServerCannot } from '../peers.ts'
import type { Case } from '../work.ts'

const transport = 'http+sse'
const sessions = 5_000

/** Resident memory of the server for each session that is open and does nothing. */
export const idleMemory: Case[] = [
  {
    name: `idle-memory/${transport}`,
    metrics: [
      {
        key: 'memory',
        title: `resident memory per idle session at 5,000, ${transport}`,
        unit: 'KiB',
        bar: { of: 'ratio', atMost: 1.4 },
      },
    ],
    whyNot: (peer) => whyServerCannot(peer, transport),
    async run(peer, lab) {
      const { server, port } = await lab.startServer(peer, transport)
      const load = await lab.startLoad()
      const count = lab.count(sessions)
      // What the first sessions cost is loaded code, warm caches and room in the heap, which grows until then.
      await load.ask('openSessions', { port, transport, count: Math.ceil(count / 2) })
      const before = await server.ask<number>('memory')
      await load.ask('openSessions', { port, transport, count })
      const after = await server.ask<number>('memory')
      return { memory: (after - before) / count / 1024 }
    },
  },
]
