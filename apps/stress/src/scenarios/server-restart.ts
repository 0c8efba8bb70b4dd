import { type Client, connect } from '@tidings/client'
import { until } from '@tidings/testkit/until'
import { topics } from '../audience.ts'
import { patienceMs } from '../patience.ts'
import { type Scenario } from '../scenario.ts'
import { transports } from '../wire/transport-shapes.ts'

/** A watch of our client, and the newest version it has seen. */
async function follow(client: Client, uri: string, seen: { version: number }): Promise<void> {
  for await (const { contents } of client.watch(uri))
    seen.version = Number((contents[0] as { text: string }).text)
}

export const serverRestart: Scenario = {
  name: 'server-restart',
  checks:
    'after a server is killed and another started on its port, every reader and every watch of our client knows the ' +
    'newest of what the new one has',
  async run(stage) {
    const first = await stage.ownServer()
    const { port } = first
    const all = topics(10, 'restart')
    const audience = await stage.audience({ count: stage.size(1_000, 100), topics: all, port: () => port })
    const watches = await Promise.all(
      Array.from({ length: stage.size(40, 8) }, async (_, i) => {
        const transport = transports[i % transports.length]!
        const path = transport === 'http+sse' || transport === 'paired' ? '/sse' : '/mcp'
        const client = await connect(`http://127.0.0.1:${port}${path}`, { transport })
        const uri = all[i % all.length]!
        const seen = { version: -1 }
        return { client, transport, uri, seen, ended: follow(client, uri, seen) }
      }),
    )
    const changed = await first.tell('publish', { topics: all, times: 100 })
    const upToDate = async (newest: typeof changed.newest) => {
      await audience.untilNewest(newest)
      const behind = () => watches.filter(({ uri, seen }) => seen.version !== newest[uri]!.version)
      await until(
        () => behind().length === 0,
        () => `${behind().length} watches are behind, one by ${behind()[0]!.transport}`,
        patienceMs,
      )
    }
    await upToDate(changed.newest)
    await first.kill('SIGKILL')
    const begun = performance.now()
    const second = await stage.ownServer({ port })
    const { newest } = await second.tell('publish', { topics: all, times: 30 })
    await upToDate(newest)
    const tookMs = performance.now() - begun
    // And they go on being told.
    await upToDate((await second.tell('publish', { topics: all, times: 10 })).newest)
    await Promise.all(watches.map(({ client }) => client.close()))
    await Promise.all(watches.map(({ ended }) => ended))
    await audience.leave()
    return {
      readers: audience.size,
      'watches of our client': watches.length,
      'all up to date after': `${Math.round(tookMs)} ms`,
    }
  },
}
