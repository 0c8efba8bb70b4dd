import { until } from '@tidings/testkit/until'
import { topics } from '../audience.ts'
import { check } from '../check.ts'
import { patienceMs } from '../patience.ts'
import { mebibytes, memoryFigures, type Scenario, type Stage } from '../scenario.ts'
import type { ServerProcess } from '../server-process.ts'

const mostGrowth = 16 * 2 ** 20

/** Clients come, are told, and go: half of them without a word. */
async function churn(stage: Stage, server: ServerProcess): Promise<number> {
  const all = topics(20, 'churn')
  for (const withoutAWord of [false, true]) {
    const count = stage.size(400, 60)
    const audience = await stage.audience({ count, topics: all, topicsEach: 3, port: () => server.port })
    const { newest } = await server.tell('publish', { topics: all, times: 1_000 })
    await audience.untilNewest(newest)
    await audience.leave({ withoutAWord })
  }
  return 2 * stage.size(400, 60)
}

/** What is left, in words; empty when it is nothing. */
async function leftIn(server: ServerProcess): Promise<string> {
  const { sessions, connected_clients: clients, limits } = await server.health()
  const { topics, sockets } = await server.tell('state', undefined)
  const counts = {
    sessions: sessions.open,
    clients,
    topics,
    // The one that asks for /health may still be there.
    sockets: Math.max(0, sockets - 1),
    ...Object.fromEntries(Object.entries(limits).map(([name, { used }]) => [`${name} (limits)`, used])),
  }
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')
}

async function untilEmpty(server: ServerProcess): Promise<void> {
  let left = ''
  await until(
    async () => (left = await leftIn(server)) === '',
    () => `left: ${left}`,
    patienceMs,
  )
}

export const noLeaksAtTheEnd: Scenario = {
  name: 'no-leaks-at-the-end',
  checks:
    'after all that came before, and clients that come and go: no session, topic, socket or timer is left, and the heap is back',
  async run(stage) {
    const server = await stage.server()
    await untilEmpty(server)
    // What is made once and kept is made by now.
    await churn(stage, server)
    await untilEmpty(server)
    const before = await server.tell('memory', undefined)
    const { handles } = await server.tell('state', undefined)
    const clients = await churn(stage, server)
    await untilEmpty(server)
    const after = await server.tell('memory', undefined)
    let now: Record<string, number> = {}
    const more = () => Object.entries(now).filter(([name, count]) => count > (handles[name] ?? 0))
    await until(
      async () => {
        now = (await server.tell('state', undefined)).handles
        return more().length === 0
      },
      () => `more open than before: ${JSON.stringify(more())}`,
      patienceMs,
    )
    const growth = after.heap - before.heap
    check(growth < mostGrowth, `the heap grew by ${mebibytes(growth)}`)
    return {
      clients,
      'sessions, topics, sockets left': 0,
      'open handles': Object.entries(now)
        .map(([name, count]) => `${count} ${name}`)
        .join(', '),
      ...memoryFigures(before, after),
    }
  },
}
