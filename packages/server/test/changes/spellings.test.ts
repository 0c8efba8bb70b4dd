import { until } from '@tidings/testkit/until'
import { listen } from '../harness/listen.ts'
import { connectRaw, type RawClient } from '../harness/raw-client.ts'
import { start } from '../harness/start.ts'
import { connectTidings, transports } from '../harness/tidings-client.ts'
import { health } from '../harness/health.ts'

// RFC 3986, section 6.2.2.2: spellings that differ only in their percent-encodings name one resource.
const spellings = ['note:///my caf\u00e9', 'note:///my%20caf%C3%A9', 'note:///%6dy%20caf%c3%a9'] as const
const pairs = spellings.flatMap((announced) => spellings.map((asked) => [announced, asked] as const))

const updates = ({ messages }: RawClient): string[] =>
  messages.flatMap(({ method, params }) => (method === 'notifications/resources/updated' ? [params.uri] : []))

describe.each([
  ['a fixed resource', 'fixed'],
  ['a resource of a template', 'template'],
] as const)('%s', (_name, kind) => {
  const serving = (registered: string) =>
    start((server) => {
      if (kind === 'fixed') server.resource(registered, {}, () => 'here')
      else server.template('note:///{name}', {}, ({ name }) => (name === 'my caf\u00e9' ? 'here' : undefined))
    })

  test.each(pairs)('announced as %s, is read and watched as %s', async (announced, asked) => {
    const { url, server } = await serving(announced)
    const client = await connectRaw(url)
    const { result } = await client.request('resources/read', { uri: asked })
    expect(result.contents).toMatchObject([{ uri: asked, text: 'here' }])
    expect(await client.request('resources/subscribe', { uri: asked })).toHaveProperty('result')
    const stream = await listen(url, { resourceSubscriptions: [asked] })
    expect((await stream.message()).params.notifications.resourceSubscriptions).toEqual([asked])
    server.changed(announced)
    // A client knows the resource by the name it asked for.
    expect((await stream.message()).params.uri).toBe(asked)
    await until(() => updates(client).length === 1, 'the update')
    expect(updates(client)).toEqual([asked])
  })

  test.each(transports)(
    'over %s: every spelling is watched, and hears every announcement',
    async (transport) => {
      const { url, server } = await serving(spellings[0])
      const client = await connectTidings(url, { transport })
      for (const asked of spellings) {
        const watch = client.watch(asked)
        await watch.next()
        for (const announced of spellings) {
          const next = watch.next()
          server.changed(announced)
          expect((await next).value?.contents[0]).toMatchObject({ text: 'here' })
        }
        await watch.return!()
      }
    },
  )
})

test('two spellings are one watch: told once, and ended by either', async () => {
  const { url, server } = await start((server) => server.resource(spellings[0], {}, () => ''))
  const client = await connectRaw(url)
  for (const uri of spellings) await client.request('resources/subscribe', { uri })
  expect((await health(url)).limits.subscriptions.used).toBe(1)
  server.changed(spellings[2])
  server.listChanged('tools')
  await until(
    () => client.messages.some(({ method }) => method === 'notifications/tools/list_changed'),
    'the list',
  )
  expect(updates(client)).toEqual([spellings[0]])
  await client.request('resources/unsubscribe', { uri: spellings[1] })
  expect((await health(url)).limits.subscriptions.used).toBe(0)
})

test('readers with different spellings each hear of it under the name they gave, whoever leaves', async () => {
  const { url, server } = await start((server) => server.resource(spellings[0], {}, () => ''))
  const clients = await Promise.all(spellings.map(() => connectRaw(url)))
  for (const [i, client] of clients.entries())
    await client.request('resources/subscribe', { uri: spellings[i] })
  for (let left = clients.length; left > 0; left--) {
    server.changed(spellings[0])
    for (const [i, client] of clients.slice(0, left).entries()) {
      const told = clients.length - left + 1
      await until(() => updates(client).length === told, 'the update')
      expect(updates(client)).toEqual(Array(told).fill(spellings[i]))
    }
    await clients[left - 1]!.request('resources/unsubscribe', { uri: spellings[0] })
  }
  server.changed(spellings[0])
  expect((await health(url)).limits.subscriptions.used).toBe(0)
})

test('one who comes back under another spelling hears of what changed meanwhile', async () => {
  const { url, server } = await start((server) => server.resource(spellings[0], {}, () => ''))
  const first = await listen(url, { resourceSubscriptions: [spellings[0]] }, { id: 'first', since: '' })
  const { params } = await first.message()
  server.changed(spellings[1])
  const second = await listen(
    url,
    { resourceSubscriptions: [spellings[2]] },
    { since: params._meta['dev.tidings/position'] },
  )
  expect((await second.message()).params._meta['dev.tidings/recovered']).toBe(true)
  expect((await second.message()).params.uri).toBe(spellings[2])
})

test('the name of a list is no resource: unsubscribing from it changes nothing', async () => {
  const { url, server } = await start((server) => server.resource('note:///a', {}, () => ''))
  const client = await connectRaw(url)
  await client.request('resources/unsubscribe', { uri: 'tools' })
  server.listChanged('tools')
  await until(
    () => client.messages.some(({ method }) => method === 'notifications/tools/list_changed'),
    'the list',
  )
  expect((await health(url)).limits.subscriptions.used).toBe(0)
})
