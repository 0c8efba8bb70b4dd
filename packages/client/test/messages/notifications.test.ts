import { Inbox } from '@tidings/testkit/inbox'
import { Log } from '@tidings/testkit/log'
import { connected, fakeHttpSse } from '../harness/harness.ts'

const updated = (uri: string) => ({ method: 'notifications/resources/updated', params: { uri } })

test('a listener hears its notification until it is taken away', async () => {
  const server = await fakeHttpSse()
  const client = await connected(server.url)
  const heard = new Inbox<unknown>()
  const off = client.on('notifications/resources/updated', (params) => heard.push(params))
  server.send({ method: 'notifications/tools/list_changed' })
  server.send(updated('x://1'))
  expect(await heard.next()).toEqual({ uri: 'x://1' })
  off()
  server.send(updated('x://2'))
  await client.ping()
  expect(heard.all).toHaveLength(1)
})

test('the same function may listen twice, and stop once', async () => {
  const server = await fakeHttpSse()
  const client = await connected(server.url)
  const heard = new Inbox<unknown>()
  const listener = (params: unknown) => heard.push(params)
  const off = client.on('notifications/message', listener)
  client.on('notifications/message', listener)
  off()
  off()
  server.send({ method: 'notifications/message', params: { level: 'info', data: 'x' } })
  await client.ping()
  expect(heard.all).toEqual([{ level: 'info', data: 'x' }])
})

test('a listener that throws is logged, and the others hear', async () => {
  const server = await fakeHttpSse()
  const logger = new Log()
  const client = await connected(server.url, { logger })
  const heard = new Inbox<unknown>()
  client.on('notifications/tools/list_changed', () => {
    throw new Error('bad listener')
  })
  client.on(
    'notifications/tools/list_changed',
    () => Promise.reject(new Error('bad async listener')) as never,
  )
  client.on('notifications/tools/list_changed', () => heard.push(1))
  server.send({ method: 'notifications/tools/list_changed' })
  await heard.next()
  for (const message of ['bad listener', 'bad async listener']) {
    const line = await logger.lines.next(({ level }) => level === 'error')
    expect(line.fields).toMatchObject({ err: { message }, event: 'notifications/tools/list_changed' })
  }
})

test('what is no message, or has wrong params, is logged and skipped', async () => {
  const server = await fakeHttpSse()
  const logger = new Log()
  const client = await connected(server.url, { logger })
  const heard = new Inbox<unknown>()
  client.on('notifications/resources/updated', (params) => heard.push(params))
  const stream = await server.streams.next()
  stream.event('message', 'invalid json')
  expect((await logger.lines.next()).fields).toMatchObject({
    err: { name: 'McpError', code: -32700 },
    data: 'invalid json',
  })
  stream.event('message', '{"jsonrpc":"1.0"}')
  expect((await logger.lines.next()).fields).toMatchObject({ err: { code: -32600 } })
  stream.event('message', '7')
  expect((await logger.lines.next()).fields).toMatchObject({ err: { code: -32600 } })
  stream.event('other', 'whatever')
  stream.event('endpoint', 'http://example.com/')
  server.send({ method: 'notifications/resources/updated', params: { uri: 5 } })
  expect((await logger.lines.next()).fields).toMatchObject({ err: { code: -32602 } })
  server.send({ method: 'notifications/unheard_of' })
  expect((await logger.lines.next()).message).toBe('the server sent an unknown notification')
  server.send(updated('x://1'))
  expect(await heard.next()).toEqual({ uri: 'x://1' })
})

test('a batch is as good as its messages', async () => {
  const server = await fakeHttpSse()
  const client = await connected(server.url)
  const heard = new Inbox<unknown>()
  client.on('notifications/resources/updated', (params) => heard.push(params))
  const stream = await server.streams.next()
  const batch = ['a', 'b'].map((uri) => ({ jsonrpc: '2.0', ...updated(uri) }))
  stream.event('message', JSON.stringify(batch))
  await client.ping()
  expect(heard.all).toEqual([{ uri: 'a' }, { uri: 'b' }])
})
