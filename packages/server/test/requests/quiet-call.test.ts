import { deferred } from '@tidings/testkit/deferred'
import { post } from '@tidings/testkit/post'
import { until } from '@tidings/testkit/until'
import type { ServeOptions } from '../../src/index.ts'
import { untilHealth } from '../harness/health.ts'
import { modernBody, modernHeaders } from '../harness/modern.ts'
import { start } from '../harness/start.ts'

const both = 'application/json, text/event-stream'
const tool = (name: string) => ({ method: 'tools/call', params: { name } })

const initialize = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '0' } },
}

/** Calls a tool, by the transport. */
const callers: Record<string, (url: string, name: string, accept: string) => Promise<Response>> = {
  async 'streamable-http'(url, name, Accept) {
    const opened = await post(`${url}/mcp`, initialize, { Accept: both })
    await opened.text()
    const session = { 'Mcp-Session-Id': opened.headers.get('Mcp-Session-Id')! }
    return post(`${url}/mcp`, { jsonrpc: '2.0', id: 1, ...tool(name) }, { Accept, ...session })
  },
  'without sessions': (url, name, Accept) =>
    post(`${url}/mcp`, { jsonrpc: '2.0', id: 1, ...tool(name) }, { Accept }),
  stateless: (url, name, Accept) =>
    post(`${url}/mcp`, modernBody(tool(name)), modernHeaders({ ...tool(name), headers: { Accept } })),
}

async function startQuiet(options: ServeOptions) {
  const answer = deferred()
  const serving = await start((server) => {
    server.tool('quiet', {}, async () => {
      await answer.promise
      return { content: [{ type: 'text', text: 'done' }] }
    })
    server.tool('quick', {}, async () => ({ content: [{ type: 'text', text: 'done' }] }))
  }, options)
  return { ...serving, answer: answer.resolve }
}

describe.each(Object.entries(callers))('%s', (transport, call) => {
  const keepSessions = transport !== 'without sessions'

  test.each(['auto', 'sse'] as const)(
    'a call that takes long gets a head, and comments until it is answered (responses: %s)',
    async (responses) => {
      const { url, answer } = await startQuiet({ keepAliveMs: 20, responses, keepSessions })
      const response = await call(url, 'quiet', both)
      expect(response.headers.get('Content-Type')).toBe('text/event-stream')
      let text = ''
      const reading = (async () => {
        for await (const chunk of response.body!) text += Buffer.from(chunk as Uint8Array).toString()
      })()
      const comments = () => text.split('\n\n').filter((frame) => frame === ':').length
      await until(
        () => comments() >= 3,
        () => `three comments, in ${JSON.stringify(text)}`,
      )
      expect(text).not.toContain('"id":1')
      answer()
      await reading
      expect(text.match(/"id":1/g)).toHaveLength(1)
      expect(text).toContain('done')
      await untilHealth(url, ({ limits }) => limits.streams.used === 0 && limits.requests.used === 0)
    },
  )

  test('a quick call is answered with JSON', async () => {
    const { url } = await startQuiet({ keepSessions })
    const response = await call(url, 'quick', both)
    expect(response.headers.get('Content-Type')).toMatch(/^application\/json/)
    await response.text()
  })

  test('a client that accepts only JSON is answered with JSON, however long it takes', async () => {
    const { url, answer } = await startQuiet({ keepAliveMs: 2, keepSessions })
    const called = call(url, 'quiet', 'application/json')
    await untilHealth(url, ({ limits }) => limits.requests.used === 1)
    // Another call that waits gets its stream in the meantime.
    const other = await call(url, 'quiet', both)
    expect(other.headers.get('Content-Type')).toBe('text/event-stream')
    answer()
    const response = await called
    expect(response.headers.get('Content-Type')).toMatch(/^application\/json/)
    expect(await response.text()).toContain('done')
    await other.text()
  })

  test('with the option responses: json, a call that takes long is answered with JSON', async () => {
    const { url, answer } = await startQuiet({ keepAliveMs: 2, responses: 'json', keepSessions })
    const called = call(url, 'quiet', both)
    await untilHealth(url, ({ limits }) => limits.requests.used === 1)
    const streaming = await call(url, 'quiet', 'text/event-stream')
    expect(streaming.headers.get('Content-Type')).toBe('text/event-stream')
    answer()
    expect((await called).headers.get('Content-Type')).toMatch(/^application\/json/)
    await streaming.text()
  })
})
