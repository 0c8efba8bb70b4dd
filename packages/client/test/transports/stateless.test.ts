import { Inbox } from '@tidings/testkit/inbox'
import { Log } from '@tidings/testkit/log'
import { rejection } from '@tidings/testkit/rejection'
import {
  type ClientError,
  connect,
  ConnectionError,
  HttpError,
  McpError,
  ProtocolError,
} from '../../src/index.ts'
import { connected, fakeStateless, statesOf } from '../harness/harness.ts'

const transport = 'stateless'
const complete = { resultType: 'complete' }
const key = (name: string) => `io.modelcontextprotocol/${name}`

test('every request says all there is to know about it', async () => {
  const server = await fakeStateless()
  server.answers = {
    'tools/call': () => ({ content: [] }),
    'resources/read': () => ({ contents: [] }),
    'prompts/get': () => ({ messages: [] }),
    'completion/complete': () => ({ completion: { values: [] } }),
  }
  const clientInfo = { name: 'tester', version: '3' }
  const client = await connected(server.url, {
    transport,
    clientInfo,
    handlers: { elicit: () => ({ action: 'cancel' }) },
  })
  await client.callTool('water', { litres: 2 })
  await client.readResource('plant:///münze')
  await client.getPrompt('care')
  await client.complete({ ref: { type: 'ref/prompt', name: 'care' }, argument: { name: 'a', value: '' } })
  expect(
    server.posts.all.map((post) => [post.header('mcp-method'), post.header('mcp-name'), post.message.method]),
  ).toEqual([
    ['server/discover', undefined, 'server/discover'],
    ['tools/call', 'water', 'tools/call'],
    ['resources/read', '=?base64?cGxhbnQ6Ly8vbcO8bnpl?=', 'resources/read'],
    ['prompts/get', 'care', 'prompts/get'],
    ['completion/complete', undefined, 'completion/complete'],
  ])
  for (const post of server.posts.all) {
    expect(post.header('mcp-protocol-version')).toBe('2026-07-28')
    expect(post.header('accept')).toBe('application/json, text/event-stream')
    expect(post.header('mcp-session-id')).toBeUndefined()
    expect(post.message.params._meta).toEqual({
      [key('protocolVersion')]: '2026-07-28',
      [key('clientInfo')]: clientInfo,
      [key('clientCapabilities')]: { elicitation: { form: {}, url: {} } },
      progressToken: post.message.id,
    })
  }
  expect(new Set(server.posts.all.map(({ message }) => message.id)).size).toBe(5)
})

test('what the revision lacks is done by what it has', async () => {
  const server = await fakeStateless()
  server.answers = { 'tools/list': () => ({ tools: [] }) }
  const client = await connected(server.url, { transport })
  await client.ping()
  await client.setLogLevel('warning')
  await client.notify('notifications/roots/list_changed')
  await client.listTools()
  await client.close()
  expect(server.methods).toEqual(['server/discover', 'server/discover', 'tools/list'])
  expect(server.posts.all[1]!.message.params._meta).not.toHaveProperty([key('logLevel')])
  expect(server.posts.all[2]!.message.params._meta).toMatchObject({ [key('logLevel')]: 'warning' })
  expect(server.deletes.all).toEqual([])
})

test('a server that does not say who it is has a name nevertheless', async () => {
  const server = await fakeStateless()
  server.answers = {
    'server/discover': () => ({
      supportedVersions: ['2026-07-28'],
      capabilities: {},
      instructions: 'Be gentle',
    }),
  }
  const client = await connected(server.url, { transport })
  expect(client.serverInfo).toEqual({ name: 'unknown', version: 'unknown' })
  expect(client.instructions).toBe('Be gentle')
})

test('a response comes as JSON, or on a stream after what belongs to it', async () => {
  const server = (await fakeStateless()).hold('tools/call')
  const client = await connected(server.url, { transport })
  const logged = new Inbox<unknown>()
  client.on('notifications/message', ({ data }) => logged.push(data))
  const progress: number[] = []
  const call = client.callTool('x', {}, { onProgress: (p) => progress.push(p.progress) })
  const post = await server.post('tools/call')
  const stream = post.stream()
  stream.raw(':\n\n')
  stream.message({ method: 'notifications/message', params: { level: 'info', data: 'one' } })
  stream.message({
    method: 'notifications/progress',
    params: { progressToken: post.message.id, progress: 1 },
  })
  stream.message({ id: 's1', method: 'roots/list' })
  stream.message({ id: post.message.id, result: { ...complete, content: [], over: 'stream' } })
  expect(await call).toMatchObject({ over: 'stream' })
  expect(progress).toEqual([1])
  expect(logged.all).toEqual(['one'])
  await post.closed
  // A server asks by its results here: what it asks otherwise is not answered.
  expect(server.methods).toEqual(['server/discover', 'tools/call'])
})

test.each([
  [400, -32602],
  [404, -32601],
  [400, -32021],
  [200, -32603],
])('an answer of %i with the error %i is that error', async (status, code) => {
  const server = await fakeStateless()
  const client = await connected(server.url, { transport })
  const data = { requiredCapabilities: { sampling: {} } }
  server.onPost = (post) => post.error(code, { status, data })
  const error = (await rejection(client.callTool('x'))) as McpError
  expect(error).toBeInstanceOf(McpError)
  expect(error).toMatchObject({ code, data })
  // It need not say which request it is about.
  server.onPost = (post) => post.json({ id: undefined, error: { code, message: 'no' } }, { status })
  expect(await rejection(client.callTool('x'))).toMatchObject({ name: 'McpError', code })
})

test.each([
  [404, 'text/plain', 'Not Found'],
  [400, 'application/json', '{"error":"bad"}'],
  [400, 'application/json', '{"jsonrpc":"2.0","id":77,"error":{"code":-32601,"message":"x"}}'],
  [401, 'application/json', '{"jsonrpc":"2.0","error":{"code":-32000,"message":"x"}}'],
  [500, 'application/json', '{"jsonrpc":"2.0","error":{"code":-32603,"message":"x"}}'],
])('an answer of %i with %s %s is an HttpError', async (status, type, body) => {
  const server = await fakeStateless()
  const client = await connected(server.url, { transport })
  server.onPost = ({ response }) => response.writeHead(status, { 'content-type': type }).end(body)
  const error = (await rejection(client.callTool('x'))) as HttpError
  expect(error).toBeInstanceOf(HttpError)
  expect(error).toMatchObject({ status, body, mayHaveRun: status === 500 })
  expect(client.state).toBe('connected')
})

test('a result of an unknown type is none', async () => {
  const server = await fakeStateless()
  server.answers = {
    'tools/call': () => ({ resultType: 'task', content: [] }),
    'tools/list': () => ({ resultType: 'input_required', requestState: 'x' }),
  }
  const client = await connected(server.url, { transport })
  expect(await rejection(client.callTool('x'))).toBeInstanceOf(ProtocolError)
  expect(await rejection(client.listTools())).toBeInstanceOf(ProtocolError)
})

test('a call that is given up is so by closing its response', async () => {
  const server = (await fakeStateless()).hold('tools/call')
  const client = await connected(server.url, { transport })
  const abort = new AbortController()
  const call = rejection(client.callTool('slow', {}, { signal: abort.signal }))
  const post = await server.post('tools/call')
  abort.abort(new Error('enough'))
  expect((await call).message).toBe('enough')
  await post.closed
  const timedOut = rejection(client.callTool('slow', {}, { timeoutMs: 20 }))
  const streamed = await server.post('tools/call')
  streamed.stream()
  expect((await timedOut).name).toBe('TimeoutError')
  await streamed.closed
  expect(server.methods).not.toContain('notifications/cancelled')
})

test('a response that breaks off: what is safe to repeat is repeated, all else may have run', async () => {
  const server = (await fakeStateless()).hold('tools/call', 'prompts/get')
  const client = await connected(server.url, { transport })
  const states = statesOf(client)
  const call = rejection(client.callTool('slow'))
  ;(await server.post('tools/call')).stream().end()
  const error = (await call) as ClientError
  expect(error).toBeInstanceOf(ConnectionError)
  expect(error.mayHaveRun).toBe(true)
  const prompt = client.getPrompt('care')
  const post = await server.post('prompts/get')
  post.stream().cut()
  const again = await server.post('prompts/get')
  expect(again.message.id).not.toBe(post.message.id)
  again.result({ ...complete, messages: [] })
  expect(await prompt).toMatchObject({ messages: [] })
  // One response that breaks off is not the server's end.
  expect(states.all).toEqual([])
})

test('a server that is away is looked for, and found again', async () => {
  const server = await fakeStateless()
  server.answers = { 'tools/list': () => ({ tools: [] }) }
  const client = await connected(server.url, { transport })
  const states = statesOf(client)
  server.onPost = (post) => post.cut()
  const calls = [client.listTools(), client.listTools(), client.ping()]
  const lost = rejection(client.callTool('x'))
  expect((await states.next(({ state }) => state === 'reconnecting')).error).toBeInstanceOf(ConnectionError)
  expect(await lost).toMatchObject({ name: 'ConnectionError', mayHaveRun: true })
  server.onPost = (post) => server.answer(post)
  server.capabilities = { tools: {} }
  await Promise.all(calls)
  // Nothing is listened to: nothing was missed.
  expect(await states.next(({ state }) => state === 'connected')).toEqual({
    state: 'connected',
    recovered: true,
  })
  expect(client.serverCapabilities).toEqual({ tools: {} })
})

test('arguments that a tool wants in headers are mirrored as they were last listed', async () => {
  const server = await fakeStateless()
  const region = { type: 'string', 'x-mcp-header': 'Region' }
  const tools = [
    { name: 'plain', inputSchema: { type: 'object' } },
    {
      name: 'query',
      inputSchema: {
        type: 'object',
        properties: {
          region,
          deep: { type: 'object', properties: { count: { type: 'integer', 'x-mcp-header': 'Count' } } },
          dry: { type: 'boolean', 'x-mcp-header': 'Dry' },
          text: { type: 'string' },
        },
      },
    },
  ]
  server.answers = { 'tools/list': () => ({ tools }), 'tools/call': () => ({ content: [] }) }
  const client = await connected(server.url, { transport })
  const sent = async (name: string, args: Record<string, unknown>) => {
    await client.callTool(name, args)
    const { headers } = (await server.post('tools/call')).request
    return Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('mcp-param-')))
  }
  expect(await sent('query', { region: 'eu' })).toEqual({})
  expect(await client.listTools()).toEqual(tools)
  expect(await sent('query', { region: 'eu', deep: { count: 7 }, dry: false, text: 'x' })).toEqual({
    'mcp-param-region': 'eu',
    'mcp-param-count': '7',
    'mcp-param-dry': 'false',
  })
  expect(await sent('query', { region: ' Zürich', deep: { count: null } })).toEqual({
    'mcp-param-region': '=?base64?IFrDvHJpY2g=?=',
  })
  expect(await sent('plain', { region: 'eu' })).toEqual({})
})

test('when the headers are not those the server wants, the tools are listed again, once', async () => {
  const server = await fakeStateless()
  const properties = { region: { type: 'string', 'x-mcp-header': 'Region' } }
  const page = (name: string) => [{ name, inputSchema: { type: 'object', properties } }]
  server.answers = {
    'tools/list': (params?: { cursor?: string }) =>
      params?.cursor ? { tools: page('query') } : { tools: page('other'), nextCursor: '2' },
  }
  server.onPost = (post) => {
    if (post.message.method !== 'tools/call') return server.answer(post)
    if (post.header('mcp-param-region') === 'eu') post.result({ ...complete, content: [] })
    else post.error(-32020)
  }
  const client = await connected(server.url, { transport })
  expect(await client.callTool('query', { region: 'eu' })).toMatchObject({ content: [] })
  const list = ['tools/call', 'tools/list', 'tools/list', 'tools/call']
  expect(server.methods.slice(1)).toEqual(list)
  const error = await rejection(client.callTool('query', { region: 'us' }))
  expect(error).toMatchObject({ name: 'McpError', code: -32020 })
  expect(server.methods.slice(1)).toEqual([...list, ...list])
})

test('a tool whose headers are defined wrongly is left out, and said to be', async () => {
  const server = await fakeStateless()
  const tool = (name: string, header: unknown, type = 'string') => ({
    name,
    inputSchema: { type: 'object', properties: { a: { type, 'x-mcp-header': header } } },
  })
  const tools = [tool('good', 'A'), tool('empty', ''), tool('spaced', 'A B'), tool('number', 'A', 'number')]
  server.answers = { 'tools/list': () => ({ tools }) }
  const logger = new Log()
  const client = await connected(server.url, { transport, logger })
  expect((await client.listTools()).map(({ name }) => name)).toEqual(['good'])
  const warnings = logger.lines.all.filter(({ level }) => level === 'warn')
  expect(warnings.map(({ fields }) => (fields as { tool: string }).tool)).toEqual([
    'empty',
    'spaced',
    'number',
  ])
  expect((warnings[0]!.fields as { err: Error }).err.message).toMatch('x-mcp-header')
})

test('a request without an answer does not outlive the client', async () => {
  const server = (await fakeStateless()).hold('tools/call')
  const client = await connect(server.url, { transport })
  const call = rejection(client.callTool('slow'))
  const post = await server.post('tools/call')
  await client.close()
  expect(await call).toMatchObject({ name: 'ClosedError', mayHaveRun: true })
  await post.closed
  expect(await rejection(client.listTools())).toMatchObject({ name: 'ClosedError', mayHaveRun: false })
})
