import { setTimeout as after } from 'node:timers/promises'
import type { CrowdToOpen } from '../../clients/crowd.ts'
import { now } from '../../clock.ts'
import { percentile } from '../../statistics.ts'
import { type TransportName, watchedUri } from '../../wire.ts'
import type { Case } from '../../work.ts'
import { nodesCase } from './nodes-case.ts'

const transports: TransportName[] = ['http+sse', 'streamable-http']
const subscribers = 600
const changesPerSecond = 10
/** A client that has just been lost once comes back later each time: all have been there for longer than that counts. */
const settledMs = 6_000
/** As the backplane has it by default. */
const leaseMs = 3_000
const withinMs = leaseMs + 1_000

/** One of three nodes behind a balancer is killed: the time until each client has been told of a later change. */
export const kill: Case[] = transports.map((transport) =>
  nodesCase(
    `kill/${transport}`,
    [
      {
        key: 'p99',
        title: `kill -9 of one of three nodes, 600 subscribers, ${transport}: told again, p99`,
        unit: 'ms',
        bar: { of: 'value', atMost: withinMs },
      },
      { key: 'last', title: 'the same: the last of them', unit: 'ms' },
      { key: 'begunAnew', title: 'the same: sessions begun anew', unit: '', bar: { of: 'value', atMost: 0 } },
      { key: 'adopted', title: 'the same: sessions adopted', unit: '' },
    ],
    async (lab) => {
      const redis = await lab.startRedis()
      const nodes = [await lab.startNode(redis), await lab.startNode(redis), await lab.startNode(redis)]
      const port = await lab.startBalancer(nodes.map((node) => node.port))
      const crowd = await lab.startCrowd()
      await crowd.ask('open', { port, transport, count: lab.count(subscribers) } satisfies CrowdToOpen)
      await after(settledMs)
      const [victim, survivor, other] = nodes
      // All have been told of what was published before.
      await survivor!.server.ask('publish', { uris: [watchedUri], count: 1 })
      await crowd.ask('toldAtMs')
      const before = await sessionsOf([survivor!.port, other!.port])
      await crowd.ask('startHearing')
      const killedAtMs = now()
      await victim!.server.stop()
      const told = crowd.ask<number[]>('toldAtMs')
      let isOver = false
      const over = told.finally(() => (isOver = true))
      while (!isOver)
        await survivor!.server.ask('pace', {
          uris: [watchedUri],
          count: 2,
          intervalMs: 1000 / changesPerSecond,
        })
      const delays = (await over).map((atMs) => atMs - killedAtMs)
      const sessions = await sessionsOf([survivor!.port, other!.port])
      return {
        p99: percentile(delays, 99),
        last: percentile(delays, 100),
        begunAnew: sessions.opened - before.opened,
        adopted: sessions.adopted - before.adopted,
      }
    },
  ),
)

interface SessionCounts {
  opened: number
  adopted: number
}

/** What the nodes say of their sessions, together. */
async function sessionsOf(ports: number[]): Promise<SessionCounts> {
  const counts = await Promise.all(
    ports.map(async (port) => {
      const response = await fetch(`http://127.0.0.1:${port}/health`)
      return ((await response.json()) as { sessions: SessionCounts }).sessions
    }),
  )
  const sum = (key: keyof SessionCounts) => counts.reduce((total, each) => total + each[key], 0)
  return { opened: sum('opened'), adopted: sum('adopted') }
}
