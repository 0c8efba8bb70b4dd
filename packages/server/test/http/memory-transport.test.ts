import { connect } from '@tidings/client'
import * as z from 'zod'
import { McpServer, memoryTransport } from '../../src/index.ts'
import { deferred } from '@tidings/testkit/deferred'
import { defer } from '@tidings/testkit/disposers'
import { Log } from '@tidings/testkit/log'
import { changesOf } from '../harness/internals.ts'
import { transports } from '../harness/tidings-client.ts'

function greenhouse() {
  const server = new McpServer({ name: 'greenhouse', version: '1.2.3' })
  let litres = 0
  const tank = server.resource('greenhouse://tank', {}, () => litres)
  server.tool('water', { input: z.object({ litres: z.number() }) }, async (args, { progress, elicit }) => {
    progress({ progress: 1 })
    const { action } = await elicit({ message: 'Sure?', requestedSchema: { type: 'object', properties: {} } })
    if (action !== 'accept') return { content: [], isError: true }
    litres += args.litres
    tank.changed()
    return { content: [{ type: 'text', text: `${litres} l` }] }
  })
  server.tool('who', {}, (_args, { principal }) => ({ content: [{ type: 'text', text: `${principal}` }] }))
  return defer(server, (server) => server.close({ deadlineMs: 0 }))
}

const path = { 'http+sse': '/sse', paired: '/sse', 'streamable-http': '/mcp', stateless: '/mcp' }

test.each(transports)('%s: calls, questions, progress and changes need no socket', async (transport) => {
  const memory = memoryTransport(greenhouse())
  const handlers = { elicit: () => ({ action: 'accept' as const, content: {} }) }
  const url = `http://memory${path[transport]}`
  const client = defer(await connect({ ...memory, url }, { transport, handlers }), (client) => client.close())
  const progress: number[] = []
  const told = deferred()
  for await (const { contents } of client.watch('greenhouse://tank')) {
    if ((contents[0] as { text: string }).text === '2') break
    const onProgress = ({ progress: value }: { progress: number }) => {
      progress.push(value)
      told.resolve()
    }
    const result = await client.callTool('water', { litres: 2 }, { onProgress })
    expect(result.content).toEqual([{ type: 'text', text: '2 l' }])
  }
  await told.promise
  expect(progress[0]).toBe(1)
})

test('the best transport is found, as over HTTP', async () => {
  const memory = memoryTransport(greenhouse(), { principal: 'ada' })
  const client = defer(await connect(memory), (client) => client.close())
  expect([client.transport, client.revision]).toEqual(['stateless', '2026-07-28'])
  expect((await client.callTool('who')).content).toEqual([{ type: 'text', text: 'ada' }])
})

test('a call that is given up aborts its handler, and a closed client leaves nothing', async () => {
  const server = greenhouse()
  const begun = deferred()
  const aborted = deferred<unknown>()
  server.tool('hang', {}, (_args, { signal }) => {
    signal.addEventListener('abort', () => aborted.resolve(signal.reason))
    begun.resolve()
    return new Promise(() => {})
  })
  const memory = memoryTransport(server)
  const client = await connect(memory, { transport: 'stateless' })
  const watching = client.watch('greenhouse://tank')[Symbol.asyncIterator]()
  await watching.next()
  const controller = new AbortController()
  const call = client.callTool('hang', {}, { signal: controller.signal })
  await begun.promise
  controller.abort()
  await expect(call).rejects.toThrow()
  expect(await aborted.promise).toMatchObject({ name: 'AbortError' })
  await watching.return?.()
  await client.close()
  await memory.close({ deadlineMs: 0 })
  expect(changesOf(server).size).toBe(0)
})

test('a request that the server cannot take is answered as over HTTP', async () => {
  const log = new Log()
  const { fetch, url } = memoryTransport(greenhouse(), { logger: log })
  const init = { method: 'POST', headers: { 'Content-Type': 'application/json' } }
  const invalid = await fetch(url, { ...init, body: '{"jsonrpc":' })
  expect([invalid.status, await invalid.json()]).toMatchObject([400, { error: { code: -32700 } }])
  expect((await fetch('http://memory/none')).status).toBe(404)
  const aborted = fetch(url, { ...init, body: '{}', signal: AbortSignal.abort(new Error('given up')) })
  await expect(aborted).rejects.toThrow('given up')
  expect(log.errors).toEqual([])
})
