import { Agent } from 'node:http'
import type { TransportName } from '@tidings/client'
import { until } from '@tidings/testkit/until'
import { topics } from '../audience.ts'
import { check } from '../check.ts'
import { Latency } from '../latency.ts'
import { patienceMs } from '../patience.ts'
import { memoryFigures, type Scenario } from '../scenario.ts'
import type { ServerProcess } from '../server-process.ts'
import { EventSocket } from '../wire/event-socket.ts'
import { post } from '../wire/post.ts'
import { initializeParams, messagePost, newKeys, type SessionKeys } from '../wire/transport-shapes.ts'

const inFlight = 128

interface Flood {
  /** By request: how often it was answered. */
  answers: Map<number, number>
  refused: number
  latency: Latency
}

/** Sends requests on one session, so many at a time, and waits until each is answered. */
async function flood(
  server: ServerProcess,
  transport: TransportName,
  keys: SessionKeys,
  count: number,
  agent: Agent,
) {
  const result: Flood = { answers: new Map(), refused: 0, latency: new Latency() }
  let next = 1_000
  const last = next + count
  const worker = async () => {
    while (next < last) {
      const id = next++
      const message = { id, method: 'tools/call', params: { name: 'echo', arguments: { value: id } } }
      const since = performance.now()
      const { status, body } = await post({
        port: server.port,
        agent,
        ...messagePost(transport, keys, message),
      })
      result.latency.add(performance.now() - since)
      if (status === 429 || status === 503) result.refused++
      else if (status === 202) result.answers.set(id, result.answers.get(id) ?? 0)
      else {
        check(status === 200, `request ${id} was answered ${status}: ${body}`)
        const answer = JSON.parse(body) as { id: number; result?: { structuredContent: { value: number } } }
        const its = answer.id === id && answer.result?.structuredContent.value === id
        check(its, `request ${id} got the answer ${body}`)
        result.answers.set(id, 1)
      }
    }
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
  return result
}

/** A session over HTTP+SSE, and the answers that come on its stream. */
async function openSse(server: ServerProcess) {
  const keys = newKeys()
  const answers = new Map<number, number>()
  const socket = new EventSocket(
    server.port,
    { method: 'GET', path: '/sse' },
    {
      opened: () => {},
      event: ({ event, data = '' }) => {
        if (event === 'endpoint') keys.session = data
        else {
          const { id } = JSON.parse(data) as { id: number }
          answers.set(id, (answers.get(id) ?? 0) + 1)
        }
      },
      closed: () => {},
    },
  )
  await until(
    () => keys.session !== undefined,
    () => 'no endpoint event has come',
    patienceMs,
  )
  return { keys, answers, socket }
}

export const postFlood: Scenario = {
  name: 'post-flood',
  checks:
    'each of a flood of requests on one session is answered once, by its own answer, or refused; others are told as ever',
  async run(stage) {
    const server = await stage.server()
    const agent = new Agent({ keepAlive: true, maxSockets: inFlight })
    const all = topics(1, 'flood')
    const count = stage.size(30_000, 3_000)
    const others = await stage.audience({ count: 40, topics: all, port: () => server.port })
    const before = await server.tell('memory', undefined)

    const { keys: sse, answers, socket } = await openSse(server)
    const streamable = newKeys()
    const hello = { id: 1, method: 'initialize', params: initializeParams('streamable-http') }
    const { headers } = await post({
      port: server.port,
      ...messagePost('streamable-http', streamable, hello),
    })
    streamable.session = String(headers['mcp-session-id'])

    const begun = performance.now()
    const flooding = Promise.all([
      flood(server, 'http+sse', sse, count, agent),
      flood(server, 'streamable-http', streamable, count, agent),
    ])
    const pace = { topics: all, times: 20, everyMs: 20 }
    const latency = await others.measure(
      async () => (await server.tell('publish', pace)).publishedAt,
      others.size,
    )
    const [bySse, byStreamable] = await flooding
    await until(
      () => answers.size >= bySse.answers.size,
      () => `${answers.size} of ${bySse.answers.size} requests over HTTP+SSE were answered`,
      patienceMs,
    )
    const tookMs = performance.now() - begun
    for (const [id, times] of answers) {
      check(times === 1 && bySse.answers.has(id), `request ${id} was answered ${times} times`)
    }
    check(
      byStreamable.answers.size + byStreamable.refused === count &&
        bySse.answers.size + bySse.refused === count,
      'some requests were neither answered nor refused',
    )
    const after = await server.tell('memory', undefined)
    others.assertOrder()
    await others.leave()
    socket.cut()
    agent.destroy()
    return {
      'requests on each of two sessions': count,
      'answered over HTTP+SSE, streamable': `${answers.size}, ${byStreamable.answers.size}`,
      'refused (429, 503)': bySse.refused + byStreamable.refused,
      'requests per second': Math.round((2 * count) / (tookMs / 1000)),
      'streamable answers': String(byStreamable.latency),
      'changes to 40 others meanwhile': String(latency),
      ...memoryFigures(before, after),
    }
  },
}
