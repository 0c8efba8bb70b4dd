import { until } from '@tidings/testkit/until'
import { topics } from '../audience.ts'
import { check } from '../check.ts'
import { patienceMs } from '../patience.ts'
import { type Scenario } from '../scenario.ts'
import { post } from '../wire/post.ts'
import { initializeParams, messagePost, newKeys } from '../wire/transport-shapes.ts'

/** What `close` gives requests in flight, and streams to end, and some to spare for a busy machine. */
const exitWithinMs = 15_000

export const sigtermUnderLoad: Scenario = {
  name: 'sigterm-under-load',
  checks:
    'on SIGTERM requests in flight are answered, streams end with a reason, and the process exits with 0 within its deadline',
  async run(stage) {
    const server = await stage.ownServer()
    const { port } = server
    const audience = await stage.audience({
      count: stage.size(1_000, 100),
      topics: topics(5, 'stopping'),
      port: () => port,
      // They are not to come back before it is looked at what they were told.
      retryMs: 60_000,
    })
    const keys = newKeys()
    const hello = { id: 1, method: 'initialize', params: initializeParams('streamable-http') }
    const { headers } = await post({ port, ...messagePost('streamable-http', keys, hello) })
    keys.session = String(headers['mcp-session-id'])
    const requests = stage.size(300, 60)
    let answered = 0
    const calls = Array.from({ length: requests }, async (_, i) => {
      const transport = i % 2 === 0 ? 'streamable-http' : 'stateless'
      const message = { id: 10 + i, method: 'tools/call', params: { name: 'wait', arguments: { ms: 1_500 } } }
      const { status, body } = await post({ port, ...messagePost(transport, keys, message) })
      check(status === 200 && body.includes('"waited"'), `a call in flight got ${status}: ${body}`)
      answered++
    })
    // A rejection is seen below, when all are waited for.
    for (const call of calls) call.catch(() => {})
    let inFlight = 0
    await until(
      async () => (inFlight = (await server.health()).limits['requests']!.used) >= requests,
      () => `${inFlight} of ${requests} calls are in flight`,
      patienceMs,
    )
    const begun = performance.now()
    const how = await Promise.race([
      server.kill('SIGTERM'),
      new Promise<string>((resolve) =>
        setTimeout(resolve, exitWithinMs, `not within ${exitWithinMs} ms`).unref(),
      ),
    ])
    const tookMs = performance.now() - begun
    check(how === '0', `the process exited: ${how}`)
    await Promise.all(calls)
    const told = () => audience.readers.filter(({ reasons }) => reasons.includes('server stopping')).length
    await until(
      () => told() === audience.size,
      () => `${told()} of ${audience.size} streams ended with a reason`,
      patienceMs,
    )
    audience.assertOrder()
    await audience.leave({ withoutAWord: true })
    return {
      'calls in flight': requests,
      answered,
      streams: audience.size,
      'ended with a reason': told(),
      'exited after': `${Math.round(tookMs)} ms`,
    }
  },
}
