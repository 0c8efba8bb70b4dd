import { deferred } from '@tidings/testkit/deferred'
import { Log } from '@tidings/testkit/log'
import { McpServer, type ReadContext, type ResourceBody } from '../../src/index.ts'
import { connectRaw, type RawClient } from '../harness/raw-client.ts'
import { start } from '../harness/start.ts'

const { jest } = import.meta
const newServer = () => new McpServer({ name: 'test', version: '1.2.3' })

async function read(client: RawClient, uri: string): Promise<any> {
  const { result, error } = await client.request('resources/read', { uri })
  return result?.contents ?? error
}

const updates = (client: RawClient) =>
  client.messages
    .filter(({ method }) => method === 'notifications/resources/updated')
    .map(({ params }) => params.uri)
const listChanges = (client: RawClient) =>
  client.messages.filter(({ method }) => method === 'notifications/resources/list_changed').length

test('a resource is listed with all that was said of it, by its URI where it has no name', async () => {
  const options = {
    name: 'climate',
    title: 'Climate',
    description: 'Of the greenhouse',
    mimeType: 'application/json',
    size: 7,
    annotations: { audience: ['user' as const], priority: 0.5, lastModified: '2025-01-01T00:00:00Z' },
    icons: [{ src: 'data:image/png;base64,AA==' }],
    _meta: { x: 1 },
  }
  const { url } = await start((server) => {
    server.resource('test://climate', options, () => '')
    server.resource('test://plain', {}, () => '')
  })
  const client = await connectRaw(url)
  expect((await client.request('resources/list')).result).toEqual({
    resources: [
      { uri: 'test://climate', ...options },
      { uri: 'test://plain', name: 'test://plain' },
    ],
  })
})

test('what a read gives is said as text, as a blob, as JSON or as it is', async () => {
  const bytes = new Uint8Array(new Uint8Array([9, 9, 1, 2, 3, 9]).buffer, 2, 3)
  const cases: [ResourceBody, mimeType: string | undefined, contents: object][] = [
    ['hi', undefined, { text: 'hi' }],
    ['', 'text/plain', { text: '', mimeType: 'text/plain' }],
    [bytes, undefined, { blob: 'AQID', mimeType: 'application/octet-stream' }],
    [Buffer.from('x'), 'image/png', { blob: 'eA==', mimeType: 'image/png' }],
    [new Uint8Array(), undefined, { blob: '', mimeType: 'application/octet-stream' }],
    [{ a: 1 }, undefined, { text: '{"a":1}', mimeType: 'application/json' }],
    [[1, 2], 'application/x+json', { text: '[1,2]', mimeType: 'application/x+json' }],
    [0, undefined, { text: '0', mimeType: 'application/json' }],
    [false, undefined, { text: 'false', mimeType: 'application/json' }],
    [null, undefined, { text: 'null', mimeType: 'application/json' }],
    [{ contents: 'no list' }, undefined, { text: '{"contents":"no list"}', mimeType: 'application/json' }],
  ]
  const { url } = await start((server) => {
    for (const [i, [body, mimeType]] of cases.entries())
      server.resource(`test://${i}`, mimeType === undefined ? {} : { mimeType }, async () => body)
    server.resource('test://folder', {}, () => ({
      contents: [
        { uri: 'test://folder/a', text: 'a' },
        { uri: 'test://folder/b', blob: 'AA==', _meta: { x: 1 } },
      ],
    }))
  })
  const client = await connectRaw(url)
  for (const [i, [, , contents]] of cases.entries())
    expect(await read(client, `test://${i}`)).toEqual([{ uri: `test://${i}`, ...contents }])
  expect(await read(client, 'test://folder')).toEqual([
    { uri: 'test://folder/a', text: 'a' },
    { uri: 'test://folder/b', blob: 'AA==', _meta: { x: 1 } },
  ])
})

test('a read is given its URI, and all that a handler of a tool is given', async () => {
  const seen: unknown[] = []
  const look = ({ uri, signal, client, requestId, principal, log, progress, meta }: ReadContext) => {
    log('info', uri)
    progress({ progress: 1 })
    seen.push([uri, signal.aborted, client.revision, requestId, principal, meta])
    return ''
  }
  const { url } = await start((server) => {
    server.resource('test://fixed', {}, look)
    server.template('test://of/{name}', {}, (_variables, context) => look(context))
  })
  const client = await connectRaw(url)
  const _meta = { progressToken: 't' }
  await client.request('resources/read', { uri: 'test://fixed', _meta })
  await client.request('resources/read', { uri: 'test://of/x' })
  expect(seen).toEqual([
    ['test://fixed', false, '2024-11-05', 2, undefined, _meta],
    ['test://of/x', false, '2024-11-05', 3, undefined, undefined],
  ])
  expect(client.messages.filter(({ method }) => method === 'notifications/message')).toHaveLength(2)
  expect(client.messages.filter(({ method }) => method === 'notifications/progress')).toHaveLength(1)
})

test('an unknown resource, or one whose read says so, is not found', async () => {
  const { url } = await start((server) => {
    server.resource('test://gone', {}, () => undefined)
    server.template('note:///{name}', {}, ({ name }) => (name === 'a' ? 'A' : undefined))
  })
  const client = await connectRaw(url)
  expect(await read(client, 'note:///a')).toEqual([{ uri: 'note:///a', text: 'A' }])
  for (const uri of [
    'test://gone',
    'note:///b',
    'note:///a/b',
    'note:///..',
    'test://nope',
    '',
    'constructor',
  ]) {
    expect(await read(client, uri)).toEqual({
      code: -32002,
      message: `Resource not found: ${uri}`,
      data: { uri },
    })
  }
  const long = `test://${'x'.repeat(100_000)}`
  const error = await read(client, long)
  expect(JSON.stringify(error).length).toBeLessThan(2_000)
})

test('a fixed resource goes before a template, and an earlier template before a later one', async () => {
  const { url } = await start((server) => {
    server.template('test://{any}', {}, ({ any }) => `first: ${String(any)}`)
    server.template('test://{+rest}', {}, ({ rest }) => `second: ${String(rest)}`)
    server.resource('test://fixed', {}, () => 'fixed')
  })
  const client = await connectRaw(url)
  expect(await read(client, 'test://fixed')).toEqual([{ uri: 'test://fixed', text: 'fixed' }])
  expect(await read(client, 'test://a')).toEqual([{ uri: 'test://a', text: 'first: a' }])
  expect(await read(client, 'test://a/b')).toEqual([{ uri: 'test://a/b', text: 'second: a/b' }])
})

test('a template is listed among templates, and its resources of now among resources', async () => {
  const names = ['a']
  const { url, server } = await start()
  const { listChanged } = server.template(
    'note:///{name}',
    {
      name: 'notes',
      title: 'Notes',
      mimeType: 'text/markdown',
      list: async ({ client }) =>
        names.map((name) => ({ uri: `note:///${name}`, name, title: client.revision })),
    },
    ({ name }) => `# ${String(name)}`,
  )
  server.template('plain:{x}', {}, () => '')
  const client = await connectRaw(url)
  expect((await client.request('resources/templates/list')).result).toEqual({
    resourceTemplates: [
      { name: 'notes', title: 'Notes', mimeType: 'text/markdown', uriTemplate: 'note:///{name}' },
      { name: 'plain:{x}', uriTemplate: 'plain:{x}' },
    ],
  })
  names.push('b')
  listChanged()
  await client.reader.until(() => listChanges(client) === 1)
  expect((await client.request('resources/list')).result.resources).toEqual([
    { uri: 'note:///a', name: 'a', title: '2024-11-05' },
    { uri: 'note:///b', name: 'b', title: '2024-11-05' },
  ])
  expect(await read(client, 'note:///b')).toEqual([
    { uri: 'note:///b', mimeType: 'text/markdown', text: '# b' },
  ])
})

test('subscribers of a URI alone are told that it changed, by whichever handle', async () => {
  const { url, server } = await start()
  const fixed = server.resource('test://a', {}, () => '')
  const template = server.template('note:///{name}', {}, () => '')
  const [client, other] = [await connectRaw(url), await connectRaw(url)]
  await client.request('resources/subscribe', { uri: 'test://a' })
  await client.request('resources/subscribe', { uri: 'note:///x' })
  await other.request('resources/subscribe', { uri: 'note:///y' })
  fixed.changed()
  template.changed('note:///y')
  template.changed('note:///x')
  server.changed('test://a')
  await client.reader.until(() => updates(client).length === 3)
  await other.reader.until(() => updates(other).length === 1)
  expect(updates(client)).toEqual(['test://a', 'note:///x', 'test://a'])
  expect(updates(other)).toEqual(['note:///y'])
})

test('subscribing twice tells once; unsubscribing from what was not watched is no error', async () => {
  const { url, server } = await start((server) => server.resource('test://a', {}, () => ''))
  const client = await connectRaw(url)
  expect((await client.request('resources/unsubscribe', { uri: 'test://nope' })).result).toEqual({})
  for (let i = 0; i < 2; i++)
    expect((await client.request('resources/subscribe', { uri: 'test://a' })).result).toEqual({})
  server.changed('test://a')
  await client.request('ping')
  expect(updates(client)).toEqual(['test://a'])
  await client.request('resources/unsubscribe', { uri: 'test://a' })
  server.changed('test://a')
  await client.request('ping')
  expect(updates(client)).toEqual(['test://a'])
})

test('updating and removing changes the lists, and is announced', async () => {
  const { url, server } = await start()
  const client = await connectRaw(url)
  const resource = server.resource('test://a', { title: 'A', mimeType: 'text/plain' }, () => 'x')
  const template = server.template('test://of/{b}', { title: 'B' }, () => 'y')
  await client.reader.until(() => listChanges(client) === 2)
  resource.update({ title: 'A2' })
  template.update({ description: 'New' })
  await client.reader.until(() => listChanges(client) === 4)
  expect((await client.request('resources/list')).result.resources).toEqual([
    { uri: 'test://a', name: 'test://a', title: 'A2', mimeType: 'text/plain' },
  ])
  expect((await client.request('resources/templates/list')).result.resourceTemplates).toEqual([
    { uriTemplate: 'test://of/{b}', name: 'test://of/{b}', title: 'B', description: 'New' },
  ])
  for (const { remove } of [resource, resource, template, template]) remove()
  await client.reader.until(() => listChanges(client) === 6)
  expect(await read(client, 'test://a')).toMatchObject({ code: -32002 })
  expect(await read(client, 'test://of/x')).toMatchObject({ code: -32002 })
  expect(listChanges(client)).toBe(6)
})

test('a URI without a scheme, one that is taken, and a variable that does not exist are refused', () => {
  const server = newServer()
  const add = (uri: string) => server.resource(uri, {}, () => '')
  add('test://a')
  expect(() => add('test://a')).toThrow(new TypeError('The resource test://a is registered already'))
  expect(() => add('nope')).toThrow(new TypeError('A resource is named by a URI, with a scheme; got "nope"'))
  expect(() => add('tools')).toThrow(TypeError)
  server.template('t:{a}', {}, () => '')
  expect(() => server.template('t:{a}', {}, () => '')).toThrow(/registered already/)
  expect(() => server.template('u:{a', {}, () => '')).toThrow(/Unbalanced braces/)
  expect(() => server.template('u:{a}', { complete: { b: () => [] } }, () => '')).toThrow(
    new TypeError('u:{a} has no variable b to complete'),
  )
})

test('a template whose list fails, or takes too long, is left out of the list, and the error is logged', async () => {
  const log = new Log()
  const hanging = deferred()
  const fail = () => {
    throw new Error('no database')
  }
  const { url } = await start(
    (server) => {
      const read = () => ''
      server.resource('test://fixed', {}, read)
      server.template('good:///{x}', { list: () => [{ uri: 'good:///a', name: 'a' }] }, read)
      server.template('throws:///{x}', { list: fail }, read)
      server.template('rejects:///{x}', { list: async () => fail() }, read)
      server.template('odd:///{x}', { list: () => 'none' as never }, read)
      server.template('hangs:///{x}', { list: () => (hanging.resolve(), new Promise<never>(() => {})) }, read)
    },
    {},
    { logger: log },
  )
  const client = await connectRaw(url)
  // The time limit alone is fake: sockets need their timers.
  jest.useFakeTimers({
    doNotFake: [
      'nextTick',
      'queueMicrotask',
      'setImmediate',
      'clearImmediate',
      'performance',
      'Date',
      'hrtime',
    ],
  })
  try {
    const listed = client.send({ id: 'list', method: 'resources/list' })
    await hanging.promise
    jest.advanceTimersByTime(10_000)
    await listed
  } finally {
    jest.useRealTimers()
  }
  const { result } = await client.answer('list')
  expect(result.resources.map(({ uri }: { uri: string }) => uri)).toEqual(['test://fixed', 'good:///a'])
  expect(log.of('error').map(({ fields: { template, err } }) => [template, err.message])).toEqual([
    ['throws:///{x}', 'no database'],
    ['odd:///{x}', 'list must return an array of resources, it returned "none"'],
    ['rejects:///{x}', 'no database'],
    ['hangs:///{x}', 'list took longer than 10000 ms'],
  ])
})

test('of a template that lists what is no resource, or has no JSON, the other resources are listed', async () => {
  const log = new Log()
  const listing = (uriTemplate: string, list: unknown[]) => [uriTemplate, () => list as never] as const
  const { url } = await start(
    (server) => {
      server.resource('test://fixed', {}, () => '')
      for (const [uriTemplate, list] of [
        listing('some:///{x}', [null, 'none', {}, { uri: 'some:///a', name: 'a' }]),
        listing('big:///{x}', [{ uri: 'big:///a', name: 'a', size: 1n }]),
        listing('getter:///{x}', [{ uri: 'getter:///a', get name() { throw new Error('lost') } }]), // prettier-ignore
      ]) {
        server.template(uriTemplate, { list }, () => '')
      }
    },
    {},
    { logger: log },
  )
  const { result } = await (await connectRaw(url)).request('resources/list')
  expect(result.resources.map(({ uri }: { uri: string }) => uri)).toEqual(['test://fixed', 'some:///a'])
  expect(log.of('error').map(({ fields: { template, count } }) => [template, count])).toEqual([
    ['some:///{x}', 3],
    ['big:///{x}', undefined],
    ['getter:///{x}', undefined],
  ])
})
