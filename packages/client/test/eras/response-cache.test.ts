import { ResponseCache } from '../../src/eras/response-cache.ts'
import { connected, fakeStateless, statesOf } from '../harness/harness.ts'

const { jest } = import.meta

const transport = 'stateless'
const ttl = { ttlMs: 60_000, cacheScope: 'private' }

/** A server whose results are numbered, and say how long they may be kept. */
async function caching(hints: object = ttl) {
  const server = await fakeStateless()
  let n = 0
  const tool = () => ({ name: `t${++n}`, inputSchema: { type: 'object' } })
  server.answers = {
    'tools/list': () => ({ ...hints, tools: [tool()] }),
    'prompts/list': () => ({ ...hints, prompts: [{ name: `p${++n}` }] }),
    'resources/list': () => ({ ...hints, resources: [{ name: 'r', uri: `x://${++n}` }] }),
    'resources/templates/list': () => ({
      ...hints,
      resourceTemplates: [{ name: 'r', uriTemplate: `x://{${++n}}` }],
    }),
    'resources/read': ({ uri }: { uri: string }) => ({ ...hints, contents: [{ uri, text: String(++n) }] }),
  }
  const client = await connected(server.url, { transport })
  const asked = (method: string) => server.methods.filter((other) => other === method).length
  return { server, client, asked }
}

test('what may be kept is asked for once, by what it was asked for', async () => {
  const { server, client, asked } = await caching()
  for (let i = 0; i < 3; i++) {
    await client.listTools()
    await client.listPrompts()
    await client.listResources()
    await client.listResourceTemplates()
    await client.readResource('x://a')
    await client.readResource('x://b')
  }
  for (const method of ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list']) {
    expect(asked(method)).toBe(1)
  }
  expect(asked('resources/read')).toBe(2)
  server.answers['server/discover'] = () => ({ ...ttl, supportedVersions: ['2026-07-28'], capabilities: {} })
  await client.request('server/discover', {})
  await client.request('server/discover', {})
  expect(asked('server/discover')).toBe(2)
  // To ask whether the server is there is to ask it.
  await client.ping()
  expect(asked('server/discover')).toBe(3)
})

test.each([{}, { ttlMs: 0 }, { ttlMs: -5 }])('what may not be kept is not: %j', async (hints) => {
  const { client, asked } = await caching(hints)
  await client.listTools()
  await client.listTools()
  expect(asked('tools/list')).toBe(2)
})

test('what was kept is given until its time is over', () => {
  const cache = new ResponseCache()
  const now = jest.spyOn(Date, 'now').mockReturnValue(1_000)
  cache.keeper('tools/list', {})({ ttlMs: 20 })
  now.mockReturnValue(1_019)
  expect(cache.get('tools/list', {})).toEqual({ ttlMs: 20 })
  now.mockReturnValue(1_020)
  expect(cache.get('tools/list', {})).toBeUndefined()
  now.mockRestore()
})

test('who changes what it was given changes it for nobody else', async () => {
  const { client } = await caching()
  const first = await client.readResource('x://a')
  const before = structuredClone(first)
  first.contents.length = 0
  const second = await client.readResource('x://a')
  expect(second).toEqual(before)
  second.contents.length = 0
  expect(await client.readResource('x://a')).toEqual(before)
})

test('pages are kept one by one', async () => {
  const { server, client, asked } = await caching()
  const tool = { name: 'x', inputSchema: { type: 'object' } }
  server.answers['tools/list'] = (params?: { cursor?: string }) =>
    params?.cursor ? { tools: [tool] } : { ...ttl, tools: [tool], nextCursor: '2' }
  await client.listTools()
  expect(await client.listTools()).toHaveLength(2)
  expect(asked('tools/list')).toBe(3)
})

test('a notification makes what it is about stale, before it is told', async () => {
  const { server, client, asked } = await caching()
  const relisted = new Promise<string>((resolve) =>
    client.on('notifications/tools/list_changed', () => {
      resolve(client.listTools().then(([first]) => first!.name))
    }),
  )
  await client.subscribe('x://a')
  const name = (await client.listTools())[0]!.name
  await Promise.all([client.listPrompts(), client.readResource('x://a'), client.readResource('x://b')])
  const listen = server.listens.all.at(-1)!
  listen.updated('x://a')
  listen.notify('notifications/tools/list_changed')
  expect(await relisted).not.toBe(name)
  await Promise.all([client.listPrompts(), client.readResource('x://a'), client.readResource('x://b')])
  expect(asked('prompts/list')).toBe(1)
  expect(asked('resources/read')).toBe(3)
})

test('what was under way when something changed is not kept', async () => {
  const { server, client, asked } = await caching()
  await client.subscribe('x://a')
  server.hold('resources/read')
  const read = client.readResource('x://a')
  const post = await server.post('resources/read')
  const heard = new Promise((resolve) => client.on('notifications/resources/updated', resolve))
  server.listens.all.at(-1)!.updated('x://a')
  await heard
  post.result({ resultType: 'complete', ...ttl, contents: [] })
  await read
  const again = client.readResource('x://a')
  ;(await server.post('resources/read')).result({ resultType: 'complete', contents: [] })
  await again
  expect(asked('resources/read')).toBe(2)
})

test('a watch reads from the server', async () => {
  const { server, client, asked } = await caching()
  await client.readResource('x://a')
  const watch = client.watch('x://a')
  await watch.next()
  expect(asked('resources/read')).toBe(2)
  // What it has read is good for others.
  await client.readResource('x://a')
  expect(asked('resources/read')).toBe(2)
  server.listens.all.at(-1)!.updated('x://a')
  await watch.next()
  expect(asked('resources/read')).toBe(3)
})

test('after a loss without recovery nothing is taken from what was kept', async () => {
  const { server, client, asked } = await caching()
  const states = statesOf(client)
  await client.subscribe('x://a')
  await Promise.all([client.listTools(), client.readResource('x://b')])
  server.listens.all.at(-1)!.stream.cut()
  await states.next(({ state }) => state === 'connected')
  await Promise.all([client.listTools(), client.readResource('x://b')])
  expect(asked('tools/list')).toBe(2)
  expect(asked('resources/read')).toBe(2)
})

test('what came of an answer to the server is not kept', async () => {
  const { server, client, asked } = await caching()
  let asks = true
  server.answers['resources/read'] = () => {
    asks = !asks
    return asks ? { ...ttl, contents: [] } : { resultType: 'input_required', requestState: 's', ...ttl }
  }
  await client.readResource('x://a')
  await client.readResource('x://a')
  expect(asked('resources/read')).toBe(4)
})

test('no more than 256 results are kept, the newest of them', () => {
  const cache = new ResponseCache()
  for (let i = 0; i < 300; i++) cache.keeper('resources/read', { uri: `x://${i}` })({ ttlMs: 60_000 })
  const kept = Array.from(
    { length: 300 },
    (_, i) => cache.get('resources/read', { uri: `x://${i}` }) !== undefined,
  )
  expect(kept.indexOf(true)).toBe(300 - 256)
  expect(kept.filter(Boolean)).toHaveLength(256)
})

test('what says of itself only who asks, and how, makes no difference', () => {
  const cache = new ResponseCache()
  cache.keeper('tools/list', { _meta: { a: 1 } })({ ttlMs: 60_000 })
  expect(cache.get('tools/list', undefined)).toEqual({ ttlMs: 60_000 })
  cache.keeper('tools/call', { name: 'x' })({ ttlMs: 60_000 })
  expect(cache.get('tools/call', { name: 'x' })).toBeUndefined()
})
