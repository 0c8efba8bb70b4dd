import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import fc from 'fast-check'
import { connect } from '@tidings/client'
import { defer } from '@tidings/testkit/disposers'
import { anyValue, nearlyRight } from './messages.ts'
import { forInputs, inputsOf } from './runs.ts'

/** A server of Streamable HTTP that writes to the client's stream what it is given. */
async function streamingServer() {
  let stream: ServerResponse | undefined
  const waiting = new Map<unknown, () => void>()
  const answered = (request: IncomingMessage, response: ServerResponse) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += String(chunk)))
    request.on('end', () => {
      const { id, method } = JSON.parse(body) as { id?: unknown; method?: string }
      if (method === 'initialize') {
        const result = {
          protocolVersion: '2025-11-25',
          capabilities: { resources: { subscribe: true }, tools: { listChanged: true } },
          serverInfo: { name: 'hostile', version: '0' },
        }
        response.setHeader('Content-Type', 'application/json')
        response.setHeader('Mcp-Session-Id', 'one')
        return response.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
      }
      if (method === undefined) waiting.get(id)?.()
      response.writeHead(202).end()
    })
  }
  let opened = () => {}
  const http = createServer((request, response) => {
    if (request.method === 'POST') return answered(request, response)
    if (request.method !== 'GET') return response.end()
    response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders()
    stream = response
    response.once('close', () => stream === response && (stream = undefined))
    opened()
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  defer(http, () => (http.closeAllConnections(), http.close()))
  const isOpen = async () => {
    while (stream === undefined) await new Promise<void>((resolve) => (opened = resolve))
    return stream
  }
  let lastPing = 0
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    write: async (bytes: Uint8Array) => void (await isOpen()).write(bytes),
    /** Resolves when the client has answered a ping that came after all that was written before. */
    async ping() {
      for (;;) {
        const id = `ping-${++lastPing}`
        const pinged = new Promise<true>((resolve) => waiting.set(id, () => resolve(true)))
        const open = await isOpen()
        open.write(`\n\ndata: {"jsonrpc":"2.0","id":"${id}","method":"ping"}\n\n`)
        // A client may drop a stream that it cannot read; it comes back, and is asked again.
        if (await Promise.race([pinged, once(open, 'close').then(() => false)])) return
      }
    },
  }
}

const field = fc.constantFrom('data', 'id', 'event', 'retry', 'dat', ' data', '')
const lineEnd = fc.constantFrom('\n', '\r\n', '\r', '\n\n', '\r\r')
const value = fc.oneof(
  nearlyRight.map((message) => JSON.stringify(message) ?? ''),
  anyValue.map((value) => JSON.stringify(value) ?? ''),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('endpoint', 'message', '0', '-1', '1e9', '\0', 'http://evil.example/', '{"jsonrpc":"2.0"'),
)
const line = fc.tuple(field, fc.constantFrom(':', ': ', ''), value, lineEnd).map((parts) => parts.join(''))
const bytes = fc.oneof(
  { weight: 6, arbitrary: fc.array(line, { maxLength: 6 }).map((lines) => Buffer.from(lines.join(''))) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
)
const streams = inputsOf(0.2)

test(
  `${streams.inputs} pieces of a stream that are nearly right leave the client listening`,
  async () => {
    const escaped: unknown[] = []
    const server = await streamingServer()
    const client = defer(await connect(server.url, { transport: 'streamable-http' }), (client) =>
      client.close(),
    )
    client.on('state', ({ state, error }) => state === 'closed' && escaped.push(error))
    await forInputs(streams.inputs, bytes, async (piece) => {
      await server.write(piece)
      await server.ping()
      if (escaped.length > 0) throw new Error('The client has closed', { cause: escaped[0] })
    })
  },
  streams.timeoutMs,
)
