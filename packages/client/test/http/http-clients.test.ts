import * as fc from 'fast-check'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { brotliCompressSync, constants, createGzip, gzipSync } from 'node:zlib'
import { defer } from '@tidings/testkit/disposers'
import { Inbox } from '@tidings/testkit/inbox'
import { rejection } from '@tidings/testkit/rejection'
import { LinkedController } from '../../src/async/signals.ts'
import { FetchHttp } from '../../src/http/fetch-http.ts'
import type { HttpClient, HttpRequest, HttpResponse } from '../../src/http/http-client.ts'
import { NodeHttp } from '../../src/http/node-http.ts'
import { Utf8Decoder } from '../../src/http/utf8-decoder.ts'
import { cert, key } from '../harness/certificate.ts'

async function listening(server: Server, scheme = 'http'): Promise<{ url: URL; sockets: Inbox<Socket> }> {
  const sockets = new Inbox<Socket>()
  server.on('connection', (socket) => sockets.push(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  defer(server, async () => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  })
  return { url: new URL(`${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}/a?b=c`), sockets }
}

const serve = (listener: RequestListener) => listening(createServer(listener))

const get = (signal: HttpRequest['signal'] = new LinkedController()): HttpRequest => ({
  method: 'GET',
  headers: {},
  signal,
})

async function bodyOf(response: HttpResponse): Promise<string> {
  let body = ''
  await response.read((text) => (body += text))
  return body
}

const kinds: { name: string; open: () => HttpClient }[] = [
  { name: 'node:http', open: () => new NodeHttp() },
  { name: 'fetch', open: () => new FetchHttp() },
]

function opened(open: () => HttpClient): HttpClient {
  return defer(open(), (client) => client.close())
}

test.each(kinds)(
  '$name sends method, path, headers and body, and gives status, headers and body',
  async ({ open }) => {
    const { url } = await serve((request, response) => {
      void text(request).then((body) => {
        response.writeHead(418, { 'X-Kind': 'tea', 'Content-Type': 'text/plain' })
        response.end(
          `${request.method} ${request.url} ${String(request.headers['x-a'])} ${request.headers['content-length']} ${body}`,
        )
      })
    })
    const signal = new LinkedController()
    const request: HttpRequest = { method: 'POST', headers: { 'x-a': '1' }, body: 'grün', signal }
    const response = await opened(open).send(url, request)
    expect([response.status, response.header('x-kind'), response.header('x-none')]).toEqual([
      418,
      'tea',
      undefined,
    ])
    expect(await bodyOf(response)).toBe('POST /a?b=c 1 5 grün')
  },
)

test('node:http uses a connection again, and closes those it has kept', async () => {
  const { url, sockets } = await serve((request, response) => void response.end(request.url))
  const client = new NodeHttp()
  for (let i = 0; i < 5; i++) await bodyOf(await client.send(url, get()))
  expect(sockets.all).toHaveLength(1)
  const closed = once(sockets.all[0]!, 'close')
  client.close()
  await closed
})

test.each(kinds)('$name follows no redirect', async ({ open }) => {
  const { url } = await serve((_request, response) => void response.writeHead(307, { location: '/b' }).end())
  const response = await opened(open).send(url, get())
  expect([response.status, response.header('location')]).toEqual([307, '/b'])
  response.cancel()
})

test.each(kinds)(
  '$name gives the body as it comes, and lets go of it when it is cancelled',
  async ({ open }) => {
    const closed = new Inbox<true>()
    const { url } = await serve((_request, response) => {
      response.once('close', () => closed.push(true))
      response.write('one')
    })
    const response = await opened(open).send(url, get())
    const pieces: string[] = []
    await response.read((piece) => {
      pieces.push(piece)
      response.cancel()
    })
    expect(pieces).toEqual(['one'])
    await closed.next()
  },
)

test.each(kinds)('$name: what is thrown by who reads is the error of reading', async ({ open }) => {
  const { url } = await serve((_request, response) => void response.write('one'))
  const response = await opened(open).send(url, get())
  const failure = new Error('no more')
  const reading = response.read(() => {
    throw failure
  })
  expect(await rejection(reading)).toBe(failure)
})

test.each(kinds)('$name: a signal gives up waiting, and the server sees it', async ({ open }) => {
  const closed = new Inbox<true>()
  const came = new Inbox<true>()
  const { url } = await serve((_request, response) => {
    response.once('close', () => closed.push(true))
    came.push(true)
  })
  const signal = new LinkedController()
  const sending = rejection(opened(open).send(url, get(signal)))
  await came.next()
  const reason = new Error('enough')
  signal.abort(reason)
  expect(await sending).toBe(reason)
  await closed.next()
})

test.each(kinds)('$name: a signal gives up reading, and the server sees it', async ({ open }) => {
  const closed = new Inbox<true>()
  const { url } = await serve((_request, response) => {
    response.once('close', () => closed.push(true))
    response.write('one')
  })
  const signal = new LinkedController()
  const response = await opened(open).send(url, get(signal))
  const reason = new Error('enough')
  expect(await rejection(response.read(() => signal.abort(reason)))).toBe(reason)
  await closed.next()
})

test.each(kinds)(
  '$name: a body that breaks off is an error, even one that nobody reads yet',
  async ({ open }) => {
    const { url, sockets } = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('half')
    })
    const response = await opened(open).send(url, get())
    const socket = await sockets.next()
    socket.destroy()
    await once(socket, 'close')
    expect((await rejection(bodyOf(response))).message).toMatch(/aborted|terminated/)
  },
)

test.each(kinds)('$name: no response is an error that says why', async ({ open }) => {
  const { url } = await serve((request) => void request.socket.destroy())
  const error = await rejection(opened(open).send(url, get()))
  const { cause = error } = error
  expect(cause).toMatchObject({ code: expect.stringMatching(/ECONNRESET|UND_ERR_SOCKET/) })
})

test.each(kinds)('$name: a header that cannot be sent is an error at once', ({ open }) => {
  const request = { ...get(), headers: { 'x-a': 'line\nbreak' } }
  expect(() => opened(open).send(new URL('http://127.0.0.1:1'), request)).toThrow(/invalid/i)
})

test.each(kinds)('$name takes compressed bodies, whole or as they come', async ({ open }) => {
  const { url } = await serve((request, response) => {
    const encoding = url.hash.slice(1)
    expect(request.headers['accept-encoding']).toContain('gzip')
    response.setHeader('content-encoding', encoding)
    if (encoding === 'br') return void response.end(brotliCompressSync('small'))
    if (encoding === 'gzip') return void response.end(gzipSync('small'))
    const gzip = createGzip({ flush: constants.Z_SYNC_FLUSH })
    response.setHeader('content-encoding', 'gzip')
    gzip.pipe(response)
    gzip.write('first')
  })
  const client = opened(open)
  for (const encoding of ['br', 'gzip']) {
    url.hash = encoding
    expect(await bodyOf(await client.send(url, get()))).toBe('small')
  }
  url.hash = 'stream'
  const response = await client.send(url, get())
  await response.read((piece) => {
    expect(piece).toBe('first')
    response.cancel()
  })
})

test.each(kinds)('$name speaks TLS, and trusts no stranger', async ({ open }) => {
  const server = createTlsServer({ key, cert }, (_request, response) => void response.end())
  const { url } = await listening(server, 'https')
  const error = await rejection(opened(open).send(url, get()))
  const { cause = error } = error
  expect(cause).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
})

test('text is decoded as TextDecoder does it, however its bytes are cut', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.array(fc.nat()), fc.boolean(), (string, at, bom) => {
      const bytes = Buffer.from((bom ? '\ufeff' : '') + string)
      const ends = at.map((n) => n % (bytes.length + 1)).sort((a, b) => a - b)
      const decoder = new Utf8Decoder()
      const pieces = [...ends, bytes.length].map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end))
      const decoded = pieces.map((piece) => decoder.write(piece)).join('') + decoder.end()
      expect(decoded).toBe(new TextDecoder().decode(bytes))
    }),
  )
})
