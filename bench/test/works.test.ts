import { measure } from '../src/measure.ts'
import { cases } from '../src/works/index.ts'

// One case of each work, so that each transport is come in by.
const measured = [
  'tools-call/stateless',
  'fan-out/streamable-http/100',
  'paced-fan-out/paired',
  'one-of-many/stateless',
  'idle-memory/http+sse',
  'sessions-opened/paired',
  'slow-reader/streamable-http',
  'client-notifications/http+sse',
  'client-calls/streamable-http',
  'many-nodes/latency',
  'many-nodes/changes',
  'many-nodes/fan-out',
  'many-nodes/stored-calls/http+sse',
  'many-nodes/relayed-calls/streamable-http',
  'many-nodes/kill/streamable-http',
  'many-nodes/redis-bytes/http+sse',
  'many-nodes/workers/calls/stateless',
  'many-nodes/workers/fan-out',
]

/** Such as `fan-out`, or `many-nodes/fan-out`. */
const workOf = (name: string) => /^(many-nodes\/)?[^/]+/.exec(name)![0]

test('each work has a case here', () => {
  expect(new Set(measured.map(workOf))).toEqual(new Set(cases.map(({ name }) => workOf(name))))
})

test.each(measured)(
  '%s gives finite figures of all that it measures',
  async (name) => {
    const measuredCase = cases.find((each) => each.name === name)!
    const errors: Error[] = []
    const { rounds } = await measure(measuredCase, {
      rounds: 1,
      peers: ['floor', 'tidings'],
      scale: 0.02,
      onRun: (_case, _peer, _round, figures) => figures instanceof Error && errors.push(figures),
    })
    expect(errors).toEqual([])
    expect([...rounds.keys()]).toEqual(measuredCase.isOfNodes ? ['tidings'] : ['floor', 'tidings'])
    for (const [figures] of rounds.values()) {
      for (const { key } of measuredCase.metrics) expect(figures).toHaveProperty(key)
      for (const figure of Object.values(figures!)) expect(Number.isFinite(figure)).toBe(true)
    }
  },
  60_000,
)
