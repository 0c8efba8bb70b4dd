import * as z from 'zod'
import { deferred } from '@tidings/testkit/deferred'
import { post } from '@tidings/testkit/post'
import type { McpServer } from '../../../src/index.ts'
import { health } from '../../harness/health.ts'
import { ask, modernBody, modernHeaders, send } from '../../harness/modern.ts'
import { start } from '../../harness/start.ts'

const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] })

test('a server is discovered', async () => {
  const { url } = await start()
  expect(await ask(url, { method: 'server/discover', id: 'd' })).toEqual({
    jsonrpc: '2.0',
    id: 'd',
    result: {
      resultType: 'complete',
      supportedVersions: ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'],
      capabilities: {
        tools: { listChanged: true },
        resources: { listChanged: true, subscribe: true },
        prompts: { listChanged: true },
        completions: {},
        logging: {},
        extensions: { 'dev.tidings/recovery': {} },
      },
      ttlMs: 0,
      cacheScope: 'private',
      _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'test', version: '1.2.3' } },
    },
  })
})

test('a tool is called without more ado, and knows who calls', async () => {
  const { url } = await start((server) => {
    server.tool('who', {}, (_args, { client, session }) => ({
      structuredContent: { client, session: session ?? null },
    }))
  })
  const { result } = await ask(url, {
    method: 'tools/call',
    params: { name: 'who' },
    capabilities: { roots: {} },
  })
  expect(result).toMatchObject({
    resultType: 'complete',
    structuredContent: {
      client: { revision: '2026-07-28', info: { name: 'raw' }, capabilities: { roots: {} } },
      session: null,
    },
  })
  expect(await health(url)).toMatchObject({ sessions: { open: 0, opened: 0 } })
})

test('cache hints are told as they were given, to this era only', async () => {
  const hint = { ttlMs: 60_000, cacheScope: 'public' } as const
  const { url } = await start(
    (server) => {
      server.resource('test://a', { cacheHint: hint }, () => 'a')
      server.resource('test://b', {}, () => 'b')
      server.template('test://t/{x}', { cacheHint: hint }, () => 't')
    },
    {},
    { cacheHints: { tools: hint, templates: hint, discover: hint } },
  )
  const hintOf = async (method: string, params = {}) => {
    const { ttlMs, cacheScope } = (await ask(url, { method, params })).result
    return { ttlMs, cacheScope }
  }
  const none = { ttlMs: 0, cacheScope: 'private' }
  expect(await hintOf('server/discover')).toEqual(hint)
  expect(await hintOf('tools/list')).toEqual(hint)
  expect(await hintOf('prompts/list')).toEqual(none)
  expect(await hintOf('resources/list')).toEqual(none)
  expect(await hintOf('resources/templates/list')).toEqual(hint)
  expect(await hintOf('resources/read', { uri: 'test://a' })).toEqual(hint)
  expect(await hintOf('resources/read', { uri: 'test://b' })).toEqual(none)
  expect(await hintOf('resources/read', { uri: 'test://t/1' })).toEqual(hint)
})

test('what a request must say of itself is required, and must be the same in header and body', async () => {
  const { url } = await start((server) => {
    server.tool('t', {}, () => text('t'))
    server.resource('test://ä', {}, () => 'ä')
  })
  const list = { method: 'tools/list' }
  const call = { method: 'tools/call', params: { name: 't' } }
  const without = (name: string) =>
    Object.fromEntries(Object.entries(modernHeaders(call)).filter(([header]) => header !== name))
  const meta = (key: string, value: unknown) => ({ meta: { [`io.modelcontextprotocol/${key}`]: value } })
  const cases: [Promise<Response>, number, number][] = [
    [send(url, { ...list, ...meta('clientCapabilities', undefined) }), 400, -32602],
    [send(url, { ...list, ...meta('clientCapabilities', 'all') }), 400, -32602],
    [post(`${url}/mcp`, { jsonrpc: '2.0', id: 1, method: 'tools/list' }, modernHeaders(list)), 400, -32602],
    [send(url, { ...list, headers: { 'MCP-Protocol-Version': '2025-11-25' } }), 400, -32020],
    [send(url, { ...list, headers: { 'Mcp-Method': 'tools/call' } }), 400, -32020],
    [send(url, { ...list, headers: { 'Mcp-Method': 'Tools/List' } }), 400, -32020],
    [send(url, { ...call, headers: { 'Mcp-Name': 'u' } }), 400, -32020],
    [send(url, { ...call, headers: { 'Mcp-Name': '=?base64?####?=' } }), 400, -32020],
    [post(`${url}/mcp`, modernBody(call), without('Mcp-Name')), 400, -32020],
    [post(`${url}/mcp`, modernBody(call), without('Mcp-Method')), 400, -32020],
    [post(`${url}/mcp`, modernBody(call), without('MCP-Protocol-Version')), 400, -32020],
    [send(url, { method: 'no/such' }), 404, -32601],
    [send(url, { method: 'initialize' }), 404, -32601],
    [send(url, { method: 'ping' }), 404, -32601],
    [send(url, { method: 'resources/subscribe', params: { uri: 'test://ä' } }), 404, -32601],
    [send(url, { method: 'tools/call', params: { name: 'none' } }), 200, -32602],
    [send(url, { method: 'resources/read', params: { uri: 'test://none' } }), 200, -32602],
  ]
  for (const [sent, status, code] of cases) {
    const response = await sent
    const { id, error } = await response.json()
    expect([response.status, error.code, id]).toEqual([status, code, 1])
  }
  const read = await ask(url, { method: 'resources/read', params: { uri: 'test://ä' } })
  expect(read.result.contents[0].text).toBe('ä')
})

test('a revision that is not spoken is refused with those that are', async () => {
  const { url } = await start()
  const response = await send(url, {
    method: 'tools/list',
    meta: { 'io.modelcontextprotocol/protocolVersion': '2030-01-01' },
    headers: { 'MCP-Protocol-Version': '2030-01-01' },
  })
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({
    error: {
      code: -32022,
      data: { supported: expect.arrayContaining(['2026-07-28']), requested: '2030-01-01' },
    },
  })
})

test('arguments that a tool mirrors in headers must be there, and the same', async () => {
  const { url } = await start((server) => {
    const input = {
      type: 'object' as const,
      properties: {
        region: { type: 'string', 'x-mcp-header': 'Region' },
        level: { type: 'integer', 'x-mcp-header': 'Level' },
      },
    }
    server.tool('t', { input }, (args) => ({ structuredContent: args }))
  })
  const call = (args: object, headers: Record<string, string>) =>
    send(url, { method: 'tools/call', params: { name: 't', arguments: args }, headers })
  const good = await call(
    { region: 'Zürich', level: 42 },
    {
      'mcp-param-region': '=?base64?WsO8cmljaA==?=',
      'Mcp-Param-Level': '42.0',
    },
  )
  expect(await good.json()).toMatchObject({ result: { structuredContent: { region: 'Zürich', level: 42 } } })
  expect((await call({ region: null }, {})).status).toBe(200)
  const bad: [object, Record<string, string>][] = [
    [{ region: 'a' }, {}],
    [{ region: 'a' }, { 'Mcp-Param-Region': 'b' }],
    [{ region: 'a' }, { 'Mcp-Param-Region': '=?base64?!?=' }],
    [{ level: 1 }, { 'Mcp-Param-Level': '2' }],
    [{}, { 'Mcp-Param-Region': 'a' }],
  ]
  for (const [args, headers] of bad) {
    const response = await call(args, headers)
    expect([response.status, (await response.json()).error.code]).toEqual([400, -32020])
  }
})

test('a tool that mirrors what no header can stand for is a mistake that is told at once', async () => {
  const input = { type: 'object' as const, properties: { a: { type: 'array', 'x-mcp-header': 'A' } } }
  await expect(start((server) => void server.tool('t', { input }, () => text('')))).rejects.toThrow(
    'Input of the tool "t": Invalid x-mcp-header at a: the type must be string, integer or boolean',
  )
})

test('progress and logs are streamed before the answer, as the request asks', async () => {
  const { url } = await start((server) => {
    server.tool('steps', {}, (_args, { progress, log }) => {
      progress({ progress: 1 })
      log('debug', 'quiet')
      log('warning', 'loud')
      return text('done')
    })
  })
  const call = { method: 'tools/call', params: { name: 'steps' } }
  expect((await send(url, call)).headers.get('Content-Type')).toMatch('application/json')
  const response = await send(url, {
    ...call,
    meta: { progressToken: 7, 'io.modelcontextprotocol/logLevel': 'info' },
  })
  const body = await response.text()
  expect(body).not.toMatch(/^id:/m)
  const messages = [...body.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!))
  expect(messages).toMatchObject([
    { method: 'notifications/progress', params: { progressToken: 7 } },
    { method: 'notifications/message', params: { data: 'loud' } },
    { id: 1, result: { resultType: 'complete' } },
  ])
})

test('to close the response is to cancel', async () => {
  const called = deferred<void>()
  const aborted = deferred<unknown>()
  const { url } = await start((server) => {
    server.tool('hang', {}, (_args, { signal }) => {
      signal.addEventListener('abort', () => aborted.resolve(signal.reason))
      called.resolve()
      return new Promise(() => {})
    })
  })
  const gone = new AbortController()
  const call = { method: 'tools/call', params: { name: 'hang' } }
  const response = fetch(`${url}/mcp`, {
    method: 'POST',
    headers: { ...modernHeaders(call), 'Content-Type': 'application/json' },
    body: JSON.stringify(modernBody(call)),
    signal: gone.signal,
  })
  await called.promise
  gone.abort()
  await expect(response).rejects.toThrow()
  expect(await aborted.promise).toMatchObject({ message: 'The client is gone' })
})

test('batches, responses, GET and DELETE are of the other era', async () => {
  const { url } = await start()
  const headers = modernHeaders({ method: 'tools/list' })
  expect((await post(`${url}/mcp`, [modernBody({ method: 'tools/list' })], headers)).status).toBe(400)
  expect((await post(`${url}/mcp`, { jsonrpc: '2.0', id: 1, result: {} }, headers)).status).toBe(400)
  expect((await post(`${url}/mcp`, { jsonrpc: '2.0', method: 'notifications/x' }, headers)).status).toBe(202)
  for (const method of ['GET', 'DELETE']) {
    expect((await fetch(`${url}/mcp`, { method, headers })).status).toBe(405)
  }
})

const ask1 = { message: 'Who?', requestedSchema: { type: 'object' as const, properties: {} } }

/** A server whose tool asks twice, and how often it was run. */
async function asking(options = {}) {
  const runs: string[] = []
  const serving = await start((server) => {
    server.tool(
      'greet',
      { input: z.object({ n: z.number().optional() }) },
      async (_args, { elicit, sample }) => {
        runs.push('start')
        const [who, how] = await Promise.all([
          elicit(ask1, { key: 'who' }),
          sample({ messages: [], maxTokens: 1 }, { key: 'how' }),
        ])
        runs.push('half')
        const { action } = await elicit({ ...ask1, message: 'Sure?' })
        runs.push('end')
        return text(`${String(who.content?.['name'])} ${how.model} ${action}`)
      },
    )
  }, options)
  const capabilities = { elicitation: {}, sampling: {} }
  const call = (params: object = {}, headers = {}) =>
    ask(serving.url, { method: 'tools/call', params: { name: 'greet', ...params }, capabilities, headers })
  return { ...serving, runs, call }
}

const who = { action: 'accept', content: { name: 'Ada' } }
const how = { role: 'assistant', model: 'm', content: { type: 'text', text: 'hm' } }

test('a handler that asks is run again with the answers, over as many rounds as it takes', async () => {
  const { call, runs } = await asking()
  const first = (await call()).result
  expect(first).toMatchObject({
    resultType: 'input_required',
    inputRequests: {
      who: { method: 'elicitation/create', params: { message: 'Who?' } },
      how: { method: 'sampling/createMessage' },
    },
  })
  const second = (await call({ requestState: first.requestState, inputResponses: { who, how } })).result
  expect(Object.keys(second.inputRequests)).toEqual(['ask-1'])
  const sure = { 'ask-1': { action: 'accept' } }
  const third = (await call({ requestState: second.requestState, inputResponses: sure })).result
  expect(third).toMatchObject({ resultType: 'complete', content: [{ text: 'Ada m accept' }] })
  expect(runs).toEqual(['start', 'start', 'half', 'start', 'half', 'end'])
})

test('an answer that is missing, or is none, is asked for again', async () => {
  const { call } = await asking()
  const { requestState } = (await call()).result
  const one = (await call({ requestState, inputResponses: { who } })).result
  expect(Object.keys(one.inputRequests)).toEqual(['how'])
  const wrong = (await call({ requestState, inputResponses: { who, how: { model: 1 } } })).result
  expect(Object.keys(wrong.inputRequests)).toEqual(['how'])
})

test('a requestState that was tampered with, or is of another request, principal or server is refused', async () => {
  const { call } = await asking({ principal: (ctx: any) => ctx.get('Authorization') || undefined })
  const { requestState } = (await call()).result
  const other = (await (await asking()).call()).result.requestState as string
  const inputResponses = { who, how }
  const refused = [
    await call({ requestState: `${requestState}-TAMPERED`, inputResponses }),
    await call({ requestState: requestState.slice(0, -2), inputResponses }),
    await call({ requestState: '', inputResponses }),
    await call({ requestState: other, inputResponses }),
    await call({ requestState, inputResponses, arguments: { n: 1 } }),
    await call({ requestState, inputResponses }, { Authorization: 'mallory' }),
  ]
  expect(refused.map(({ error }) => error?.code)).toEqual(refused.map(() => -32602))
  expect((await call({ requestState, inputResponses })).result.resultType).toBe('input_required')
})

test('nodes that share a secret read the requestState of each other', async () => {
  const [a, b] = [await asking({ requestStateSecret: 's' }), await asking({ requestStateSecret: 's' })]
  const { requestState } = (await a.call()).result
  const { result } = await b.call({ requestState, inputResponses: { who, how } })
  expect(Object.keys(result.inputRequests)).toEqual(['ask-1'])
})

test('what the client has not declared is not asked for', async () => {
  const { url } = await start((server) => {
    server.tool('sample', {}, async (_args, { sample }) => {
      await sample({ messages: [], maxTokens: 1 })
      return text('')
    })
  })
  const response = await send(url, { method: 'tools/call', params: { name: 'sample' } })
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({
    error: { code: -32021, data: { requiredCapabilities: { sampling: {} } } },
  })
})

test('a server that is told to answers always by JSON, or always by a stream; an error is told by its status', async () => {
  const log = (server: McpServer) => {
    server.tool('log', {}, (_args, { log }) => {
      log('info', 'on the way')
      return text('done')
    })
  }
  const meta = { 'io.modelcontextprotocol/logLevel': 'info' }
  const call = { method: 'tools/call', params: { name: 'log' }, meta }
  const json = await start(log, { responses: 'json' })
  expect(await ask(json.url, call)).toMatchObject({ result: text('done') })
  const sse = await start(log, { responses: 'sse' })
  const tools = await send(sse.url, { method: 'tools/list' })
  expect(tools.headers.get('Content-Type')).toBe('text/event-stream')
  expect(await tools.text()).toMatch(/^data: .*"tools":\[/m)
  const unknown = await send(sse.url, { method: 'tools/unknown' })
  expect([unknown.status, await unknown.json()]).toMatchObject([404, { error: { code: -32601 } }])
})
