import { setTimeout as wait } from 'node:timers/promises'
import { ClosedError, ConnectionError, type ConnectOptions, HttpError } from '@tidings/client'
import * as fc from 'fast-check'
import * as z from 'zod'
import { rejection } from '@tidings/testkit/rejection'
import type { McpServer, ServeOptions } from '../../src/index.ts'
import { health, untilHealth } from '../harness/health.ts'
import { proxyTo } from '../harness/proxy-to.ts'
import { start } from '../harness/start.ts'
import {
  connectTidings,
  transports,
  nextState,
  sessionTransports,
  streamMethod,
} from '../harness/tidings-client.ts'

const uri = 'demo://counter'
const quick: ServeOptions = { retryMs: 100 }

/** A server behind a network that can be cut, and a client that comes through it. */
async function throughProxy(
  transport: (typeof transports)[number],
  register: (server: McpServer) => void,
  options: ServeOptions = quick,
  clientOptions?: ConnectOptions,
) {
  const serving = await start(register, options)
  const proxy = await proxyTo(serving.port)
  const client = await connectTidings(proxy.url, { transport, ...clientOptions })
  return { ...serving, proxy, client }
}

/** A counter that announces its changes. */
function counter() {
  const state = {
    value: 0,
    change: () => {},
    register: (server: McpServer) => {
      const resource = server.resource(uri, {}, () => String(state.value))
      server.resource('demo://other', {}, () => 'other')
      state.change = () => {
        state.value++
        resource.changed()
      }
    },
  }
  return state
}

const textOf = (result: IteratorResult<{ contents: object[] }>) =>
  (result.value as { contents: { text: string }[] }).contents[0]!.text

async function openSessions(url: string): Promise<number> {
  return (await health(url)).sessions.open
}

test('a call whose stream is cut gets its response on the next one', async () => {
  let finish!: () => void
  const { client, proxy } = await throughProxy('http+sse', (server) => {
    server.tool('slow', {}, async () => {
      await new Promise<void>((resolve) => (finish = resolve))
      return { structuredContent: { done: true } }
    })
  })
  const call = client.callTool('slow')
  while (!finish) await client.ping()
  const lost = nextState(client, 'reconnecting')
  const back = nextState(client, 'connected')
  proxy.cut({ method: 'GET' })
  expect((await lost).error).toBeInstanceOf(ConnectionError)
  finish()
  expect((await back).recovered).toBe(true)
  expect((await call).structuredContent).toEqual({ done: true })
})

test.each(transports)(
  '%s: what was sent while the client was away is there when it is back',
  async (transport) => {
    const { client, proxy, server } = await throughProxy(transport, counter().register)
    const heard: string[] = []
    client.on('notifications/resources/updated', ({ uri }) => heard.push(uri))
    await client.subscribe(uri)
    await client.subscribe('demo://other')
    const lost = nextState(client, 'reconnecting')
    const back = nextState(client, 'connected')
    proxy.goDown()
    await lost
    for (let i = 0; i < 1_000; i++) server.changed(uri)
    server.changed('demo://other')
    proxy.heal()
    expect((await back).recovered).toBe(true)
    while (heard.length < 2) await client.ping()
    // Each once: what changed often while nobody could be told is told when it changed last.
    expect(heard).toEqual([uri, 'demo://other'])
  },
)

test.each(sessionTransports)(
  '%s: no message is lost, doubled or out of order, however often the stream is cut',
  async (transport) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ times: fc.integer({ min: 0, max: 30 }), cut: fc.boolean() }), {
          minLength: 1,
          maxLength: 4,
        }),
        async (rounds) => {
          let said = 0
          const input = z.object({ times: z.number() })
          const { client, proxy, close } = await throughProxy(transport, (server) => {
            server.tool('talk', { input }, async ({ times }, { log }) => {
              for (let i = 0; i < times; i++) {
                log('info', ++said)
                if (i % 7 === 0) await new Promise(setImmediate)
              }
              return { content: [] }
            })
          })
          const heard: unknown[] = []
          client.on('notifications/message', ({ data }) => heard.push(data))
          for (const { times, cut } of rounds) {
            const call = client.callTool('talk', { times })
            await new Promise(setImmediate)
            if (cut) proxy.cut({ method: 'GET' })
            await call
          }
          while (heard.length < said) await client.ping()
          expect(heard).toEqual(Array.from({ length: said }, (_, i) => i + 1))
          await client.close()
          await close()
        },
      ),
      { numRuns: 6 },
    )
  },
  60_000,
)

test.each(transports)(
  '%s: a watch is right in the end, whatever happens to the network',
  async (transport) => {
    const state = counter()
    const { client, proxy } = await throughProxy(transport, state.register)
    const seen: number[] = []
    const last = 60
    const watching = (async () => {
      for await (const { contents } of client.watch(uri)) {
        seen.push(Number((contents[0] as { text: string }).text))
        if (seen.at(-1) === last) break
      }
    })()
    for (let i = 1; i <= last; i++) {
      state.change()
      if (i % 20 === 5) proxy.cut({ method: streamMethod(transport) })
      if (i % 20 === 10) proxy.cut()
      if (i % 20 === 15) proxy.goDown()
      if (i % 20 === 19) proxy.heal()
      await wait(5)
    }
    proxy.heal()
    await watching
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
  },
)

test.each(transports)('%s: a server that is started again on its port is used again', async (transport) => {
  const state = counter()
  const first = await start(state.register, quick)
  const proxy = await proxyTo(first.port)
  const client = await connectTidings(proxy.url, { transport })
  await client.setLogLevel('warning')
  const watch = client.watch(uri)
  expect(textOf(await watch.next())).toBe('0')
  const heard: string[] = []
  await client.subscribe('demo://other')
  client.on('notifications/resources/updated', ({ uri }) => heard.push(uri))

  const lost = nextState(client, 'reconnecting')
  const back = nextState(client, 'connected')
  proxy.goDown()
  await first.close({ deadlineMs: 0 })
  await lost
  state.value = 41
  const second = await start((server) => {
    state.register(server)
    server.tool('whisper', {}, (_args, { log }) => {
      log('info', 'too quiet')
      log('error', 'loud')
      return { content: [] }
    })
  }, quick)
  proxy.target = second.port
  proxy.heal()

  expect((await back).recovered).toBe(false)
  expect(textOf(await watch.next())).toBe('41')
  state.change()
  expect(textOf(await watch.next())).toBe('42')
  second.server.changed('demo://other')
  while (!heard.includes('demo://other')) await client.ping()
  const logged = new Promise((resolve) => client.on('notifications/message', ({ data }) => resolve(data)))
  await client.callTool('whisper')
  expect(await logged).toBe('loud')
})

test.each(transports)(
  '%s: a graceful stop, and a start on the same port, is a pause to a client',
  async (transport) => {
    const first = await start(counter().register, quick)
    const client = await connectTidings(first.url, { transport })
    await client.subscribe(uri)
    const back = nextState(client, 'connected')
    await first.close()
    const call = client.readResource(uri)
    await start(counter().register, { ...quick, port: first.port })
    expect((await back).recovered).toBe(false)
    expect((await call).contents).toMatchObject([{ text: '0' }])
  },
)

test.each(sessionTransports)(
  '%s: a session that was not kept for so long is begun anew',
  async (transport) => {
    const state = counter()
    const { client, proxy, url } = await throughProxy(transport, state.register, {
      ...quick,
      resumeWithinMs: 50,
      idleTimeoutMs: 50,
    })
    const watch = client.watch(uri)
    await watch.next()
    const next = watch.next()
    const back = nextState(client, 'connected')
    proxy.goDown()
    while ((await openSessions(url)) > 0) await wait(10)
    state.value = 5
    proxy.heal()
    expect((await back).recovered).toBe(false)
    expect(textOf(await next)).toBe('5')
    expect(await openSessions(url)).toBe(1)
  },
)

test('stateless: however long it was away, a client is told what has changed, and nothing else', async () => {
  const state = counter()
  const { client, proxy, url } = await throughProxy('stateless', state.register, {
    ...quick,
    resumeWithinMs: 50,
    idleTimeoutMs: 50,
  })
  const heard: string[] = []
  client.on('notifications/resources/updated', ({ uri }) => heard.push(uri))
  await client.subscribe('demo://other')
  const watch = client.watch(uri)
  await watch.next()
  const next = watch.next()
  const back = nextState(client, 'connected')
  proxy.goDown()
  await untilHealth(url, ({ connected_clients }) => connected_clients === 0)
  await wait(100)
  state.change()
  state.change()
  proxy.heal()
  expect((await back).recovered).toBe(true)
  expect(textOf(await next)).toBe('2')
  expect(heard).toEqual([uri])
})

test('a session that the server has ended is begun anew, and the call that found out is made again', async () => {
  const { client, url } = await throughProxy('http+sse', (server) => {
    server.tool('where', {}, (_args, { session }) => ({ structuredContent: { id: session!.id } }))
  })
  const where = async () => ((await client.callTool('where')).structuredContent as { id: string }).id
  const before = await where()
  await fetch(`${url}/messages?sessionId=${before}`, { method: 'DELETE' })
  const after = await where()
  expect(after).not.toBe(before)
})

test.each(transports)('%s: a client that is no longer let in closes, and says why', async (transport) => {
  let allowed = true
  const principal: ServeOptions['principal'] = (ctx) => (allowed ? 'ada' : ctx.throw(403, 'not any more'))
  const { client, proxy } = await throughProxy(transport, counter().register, { ...quick, principal })
  const watch = client.watch(uri)
  await watch.next()
  const next = rejection(watch.next())
  const closed = nextState(client, 'closed')
  allowed = false
  proxy.cut({ method: streamMethod(transport) })
  const { error } = await closed
  expect(error).toBeInstanceOf(HttpError)
  expect(error).toMatchObject({ status: 403 })
  expect(await next).toBeInstanceOf(ClosedError)
})

test.each(transports)(
  '%s: a stream that is cut before anything came on it is resumed as well',
  async (transport) => {
    const { client, proxy } = await throughProxy(transport, counter().register)
    await client.subscribe(uri)
    for (let i = 0; i < 2; i++) {
      const back = nextState(client, 'connected')
      proxy.cut({ method: streamMethod(transport) })
      expect((await back).recovered).toBe(true)
    }
  },
)

test.each(transports)(
  '%s: a question to the client is asked again when it was lost, and answered once',
  async (transport) => {
    let answered = 0
    const { client, proxy } = await throughProxy(
      transport,
      (server) => {
        server.tool('ask', {}, async (_args, { roots }) => ({ structuredContent: { roots: await roots() } }))
      },
      quick,
      {
        handlers: {
          roots: () => {
            answered++
            return [{ uri: 'file:///home' }]
          },
        },
      },
    )
    for (let i = 1; i <= 3; i++) {
      const call = client.callTool('ask')
      proxy.cut({ method: 'GET' })
      expect((await call).structuredContent).toEqual({ roots: [{ uri: 'file:///home' }] })
      expect(answered).toBe(i)
    }
  },
)
