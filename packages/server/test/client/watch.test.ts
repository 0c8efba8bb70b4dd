import { McpError } from '@tidings/client'
import { rejection } from '@tidings/testkit/rejection'
import type { ReadResourceResult } from '../../src/index.ts'
import { start } from '../harness/start.ts'
import { connectTidings, transports } from '../harness/tidings-client.ts'

const uri = 'demo://counter'

/** A server with a counter that announces its changes. */
async function counterServer() {
  const counter = { value: 0, reads: 0, change: () => {} }
  const { url, server } = await start((server) => {
    const resource = server.resource(uri, {}, () => {
      counter.reads++
      return String(counter.value)
    })
    counter.change = () => {
      counter.value++
      resource.changed()
    }
    server.template('note:///{name}', { name: 'note' }, ({ name }) => notes.get(String(name)))
  })
  return { url, server, counter }
}

const notes = new Map([['a', 'first']])

const textOf = ({ value }: IteratorResult<ReadResourceResult>) =>
  (value as ReadResourceResult | undefined)?.contents.map((contents) =>
    'text' in contents ? contents.text : '',
  )[0]

test.each(transports)('%s: a watch yields the contents now, and after each change', async (transport) => {
  const { url, counter } = await counterServer()
  const client = await connectTidings(url, { transport })
  const watch = client.watch(uri)
  for (let i = 0; i < 5; i++) {
    expect(textOf(await watch.next())).toBe(String(i))
    counter.change()
  }
  await watch.return!()
})

test.each(transports)('%s: one change reaches every client that watches', async (transport) => {
  const { url, counter } = await counterServer()
  const clients = await Promise.all(Array.from({ length: 10 }, () => connectTidings(url, { transport })))
  const watches = clients.map((client) => client.watch(uri))
  await Promise.all(watches.map((watch) => watch.next()))
  counter.change()
  const seen = await Promise.all(watches.map((watch) => watch.next()))
  expect(seen.map(textOf)).toEqual(Array.from({ length: 10 }, () => '1'))
})

test.each(transports)(
  '%s: a slow reader of a fast counter sees it grow to its end, in a few reads',
  async (transport) => {
    const { url, counter } = await counterServer()
    const client = await connectTidings(url, { transport })
    const seen: number[] = []
    for await (const { contents } of client.watch(uri)) {
      seen.push(Number((contents[0] as { text: string }).text))
      if (seen.at(-1) === 20_000) break
      for (let i = 0; i < 5_000 && counter.value < 20_000; i++) counter.change()
      await client.ping()
    }
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
    expect(counter.reads).toBeLessThan(20)
  },
)

test.each(transports)('%s: a watch of a note that is deleted ends with an McpError', async (transport) => {
  const { url, server } = await counterServer()
  const client = await connectTidings(url, { transport })
  const watch = client.watch('note:///a')
  expect(textOf(await watch.next())).toBe('first')
  const next = rejection(watch.next())
  notes.delete('a')
  server.changed('note:///a')
  expect(await next).toBeInstanceOf(McpError)
  notes.set('a', 'first')
})

test.each(transports)(
  '%s: when nobody watches any more the server is not subscribed to',
  async (transport) => {
    const { url, server } = await counterServer()
    const client = await connectTidings(url, { transport })
    const heard: string[] = []
    client.on('notifications/resources/updated', ({ uri }) => heard.push(uri))
    const watches = [client.watch(uri), client.watch(uri)]
    for (const watch of watches) await watch.next()
    for (const watch of watches) await watch.return!()
    await client.subscribe('note:///a')
    server.changed(uri)
    server.changed('note:///a')
    while (heard.length === 0) await client.ping()
    expect(heard).toEqual(['note:///a'])
  },
)
