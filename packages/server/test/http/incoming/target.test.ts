import { once } from 'node:events'
import { createServer, request as httpRequest, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, connect as connectSocket } from 'node:net'
import { defer } from '@tidings/testkit/disposers'
import express from 'express'
import Koa from 'koa'
import { handler, mcp, McpServer, type McpOptions } from '../../../src/index.ts'
import { health } from '../../harness/health.ts'
import { read } from '../../harness/read.ts'
import { start } from '../../harness/start.ts'
import { connectTidings, transports } from '../../harness/tidings-client.ts'
import { waysIn } from '../../harness/ways-in.ts'

async function listening(listener: RequestListener | Server): Promise<string> {
  const http = typeof listener === 'function' ? createServer(listener) : listener
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  defer(http, () => {
    http.closeAllConnections()
    http.close()
  })
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`
}

const server = () => defer(new McpServer({ name: 'test', version: '0' }), (server) => server.close())

/** A Koa application. */
function koa(options: McpOptions = {}, { proxy = false } = {}): Koa {
  return Object.assign(new Koa(), { proxy }).use(mcp(server(), options))
}

const koaListener = (app: Koa) => app.callback() as unknown as RequestListener

/** A parent that takes a prefix off as Express, connect and their relatives do. */
function parent(prefix: string, child: RequestListener): RequestListener {
  return (request, response) => {
    const { url = '' } = request
    if (!url.startsWith(prefix)) return void response.writeHead(404).end()
    request.url = url.slice(prefix.length)
    child(Object.assign(request, { originalUrl: url }), response)
  }
}

/** A reverse proxy that takes the prefix off, and says so. */
function proxy(prefix: string, upstream: string, { says = prefix }: { says?: string } = {}): RequestListener {
  return (request, response) => {
    const { url = '', method, headers } = request
    if (!url.startsWith(`${prefix}/`)) return void response.writeHead(404).end()
    const before = headers['x-forwarded-prefix']
    const forwarded = { 'X-Forwarded-Prefix': before === undefined ? says : `${String(before)}, ${says}` }
    const passed = httpRequest(upstream + url.slice(prefix.length), {
      method,
      headers: { ...headers, host: new URL(upstream).host, ...forwarded },
      agent: false,
    })
    request.pipe(passed)
    passed.on('response', (answer) => {
      response.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(response)
    })
    passed.on('error', () => response.destroy())
    response.on('close', () => passed.destroy())
  }
}

/** The path that the `endpoint` event of the stream names. */
async function endpointOf(url: string, headers: Record<string, string> = {}): Promise<string> {
  const reader = await read(url, headers)
  const { data } = await reader.next()
  return data.replace(/\?.*/, '')
}

/** Ways to be reached at another address, and the URL that clients are given. */
const deployments: Record<string, () => Promise<string>> = {
  'serve() behind a proxy that says its prefix': async () => {
    const { url } = await start()
    return `${await listening(proxy('/tools', url))}/tools`
  },
  'serve() behind two of them': async () => {
    const { url } = await start()
    const inner = await listening(proxy('/inner', url, { says: '/inner/' }))
    return `${await listening(proxy('/outer', inner))}/outer/inner`
  },
  'serve() with publicUrl, behind a proxy that says nothing': async () => {
    const { url } = await start(() => {}, { publicUrl: 'https://example.com/tools/' })
    return `${await listening(proxy('/tools', url, { says: '' }))}/tools`
  },
  'serve() with publicUrl, behind a proxy that says something else': async () => {
    const { url } = await start(() => {}, { publicUrl: 'https://example.com/tools' })
    return `${await listening(proxy('/tools', url, { says: '/other' }))}/tools`
  },
  'Koa with app.proxy': async () => {
    const url = await listening(koaListener(koa({}, { proxy: true })))
    return `${await listening(proxy('/tools', url))}/tools`
  },
  'Koa with publicUrl': async () => {
    const url = await listening(koaListener(koa({ publicUrl: 'http://example.com/tools' })))
    return `${await listening(proxy('/tools', url))}/tools`
  },
  'Koa in a parent that keeps originalUrl': async () =>
    `${await listening(parent('/tools', koaListener(koa())))}/tools`,
  'Koa in such a parent, behind a proxy': async () => {
    const url = await listening(parent('/inner', koaListener(koa({}, { proxy: true }))))
    return `${await listening(proxy('/outer', url))}/outer/inner`
  },
  'Koa in Express': async () => `${await listening(express().use('/tools', koaListener(koa())))}/tools`,
  'handler() in Express, behind a proxy': async () => {
    const url = await listening(express().use('/inner', handler(server())))
    return `${await listening(proxy('/outer', url))}/outer/inner`
  },
}

test.each(Object.entries(deployments))('%s: every transport finds its way', async (_, deploy) => {
  const url = await deploy()
  for (const transport of transports) {
    const client = await connectTidings(url, { transport })
    await client.listTools()
    await client.close()
  }
  expect(await endpointOf(`${url}/sse`)).toBe(`${new URL(url).pathname}/messages`)
})

test('in a Koa application X-Forwarded-Prefix is believed only with app.proxy', async () => {
  const url = await listening(koaListener(koa()))
  expect(await endpointOf(`${url}/sse`, { 'X-Forwarded-Prefix': '/tools' })).toBe('/messages')
})

test.each([
  ['/a/b', '/a/b'],
  ['/a/, /b', '/a/b'],
  ['/', ''],
  ['', ''],
  ['a', ''],
  ['//evil.com', ''],
  ['/\\evil.com', ''],
  ['/,/evil.com', '/evil.com'],
  [',//evil.com', ''],
  ['http://evil.com', ''],
  ['/a?b', ''],
  ['/a#b', ''],
  ['/a b', ''],
])('X-Forwarded-Prefix %j leads to %j', async (said, prefix) => {
  const { url } = await start()
  expect(await endpointOf(`${url}/sse`, { 'X-Forwarded-Prefix': said })).toBe(`${prefix}/messages`)
})

/** The status line of the response to a request with any target, and what comes of it. */
function sendRaw(url: string, method: string, target: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connectSocket(Number(new URL(url).port), '127.0.0.1', () => {
      const accept = 'Accept: application/json, text/event-stream\r\n'
      const body = `Content-Type: application/json\r\nContent-Length: 2\r\n\r\n[]`
      socket.write(`${method} ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${accept}${body}`)
    })
    socket.on('data', (piece) => {
      text += String(piece)
      if (text.includes('\n\n')) socket.destroy()
    })
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
  })
}

const servers: Record<string, () => Promise<string>> = {
  'serve()': async () => (await start()).url,
  'mcp()': () => listening(koaListener(koa())),
  'mcp() in a parent': () => listening(parent('', koaListener(koa()))),
  'handler()': () => listening(handler(server())),
  'handler() in a parent': () => listening(parent('', handler(server()))),
}

test.each(Object.entries(servers))(
  '%s: a target that is no path is 400 on every way in',
  async (_, serve) => {
    const url = await serve()
    const ways = await waysIn(url)
    const before = (await health(url)).sessions
    for (const { method, path } of ways) {
      for (const target of [
        `http://evil.example.com${path}`,
        `http://localhost${path}`,
        `HTTP://u:p@evil.example.com${path}`,
        `http://[::1${path}`,
        `http://[${path}`,
        // Node's older parser of URLs fails at what the newer one takes.
        `http://%@'${path}`,
        // It takes no path from this at all.
        '/\\#a@b',
        `[::1${path}`,
        `evil.example.com${path}`,
        `javascript:alert(1)//${path}`,
        `${path.split('?', 1)[0]}#x`,
      ]) {
        const answer = await sendRaw(url, method, target)
        expect([method, target, answer]).toEqual([method, target, expect.stringMatching(/^HTTP\/1\.1 400 /)])
      }
      for (const target of [`//evil.example.com${path}`, `//[::1${path}`, `/\\evil.example.com${path}`]) {
        const answer = await sendRaw(url, method, target)
        expect([method, target, answer]).toEqual([method, target, expect.stringMatching(/^HTTP\/1\.1 404 /)])
      }
    }
    expect((await health(url)).sessions).toEqual(before)
  },
)

test('a parent that takes off what looks like an authority does not bring it into the endpoint', async () => {
  for (const prefix of ['//evil.example.com', '/\\evil.example.com', 'http://evil.example.com']) {
    const url = await listening(parent(prefix, koaListener(koa())))
    expect(await sendRaw(url, 'GET', `${prefix}/sse`)).toMatch(/^HTTP\/1\.1 400 /)
  }
})

test('in a Koa application targets that are for others are left to it', async () => {
  const app = koa().use((ctx) => (ctx.body = `page of ${ctx.path}`))
  const url = await listening(koaListener(app))
  expect(await sendRaw(url, 'GET', 'http://localhost/page')).toMatch(/^HTTP\/1\.1 200 [^]*page of \/page$/)
})
