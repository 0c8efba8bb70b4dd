import { World } from '@tidings/cluster/world'
import { until } from '@tidings/testkit/until'
import { connectEventSource } from './clients/event-source.ts'
import { official1Sse, official1Streamable } from './clients/official-1.ts'
import { official2Legacy, official2Modern } from './clients/official-2.ts'
import { eventually } from './eventually.ts'
import type { ClientKind, PeerClient } from './peer-client.ts'

import.meta.jest.setTimeout(60_000)

let world: World
beforeAll(async () => (world = await World.begin({ clients: 0 })))
afterAll(() => world.end())

const topic = 'test://0'

interface Peer {
  readonly name: string
  readonly connect: (url: string) => Promise<Pick<PeerClient, 'call' | 'subscribe' | 'close'>>
  /** The sessions that it begins, if it loses none. */
  readonly sessions: number
  /** Why it has to subscribe again when it has lost its stream. */
  readonly forgets?: string
}

const of = (kind: ClientKind) => ({
  name: kind.name,
  connect: (url: string) => kind.connect(url + kind.path),
})
const peers: Peer[] = [
  {
    ...of(official1Sse),
    sessions: Infinity,
    forgets: 'comes back without its last event id, and so gets a new session',
  },
  { ...of(official1Streamable), sessions: 1 },
  { ...of(official2Legacy), sessions: 1 },
  { ...of(official2Modern), sessions: 0, forgets: 'does not listen again' },
  { name: 'EventSource', connect: connectEventSource, sessions: 1 },
]
const cases = peers.map((peer) => ({
  ...peer,
  title: peer.forgets === undefined ? peer.name : `${peer.name}, which ${peer.forgets}`,
}))

test.each(cases)(
  '$title: three nodes are killed and one is drained, and calls and updates go on',
  async ({ connect, sessions, forgets }) => {
    const openedBefore = world.openedAnew
    const client = await connect(world.balancer.url)
    let told = 0
    const subscribe = () => client.subscribe(topic, () => void told++)
    await subscribe()
    for (const signal of ['SIGKILL', 'SIGKILL', 'SIGKILL', 'SIGTERM'] as const) {
      await world.replace(world.members[0]!, signal)
      const call = () => client.call('echo', { call: 0 }, { timeoutMs: 2_000 })
      expect(await eventually(15_000, call)).toBe('echo')
      if (forgets !== undefined) await eventually(15_000, subscribe)
      const before = told
      world.changed(world.members[0]!, topic)
      await until(() => told > before, 'the change', 15_000)
    }
    expect(world.openedAnew - openedBefore).toBeLessThanOrEqual(sessions)
    await client.close()
  },
)
