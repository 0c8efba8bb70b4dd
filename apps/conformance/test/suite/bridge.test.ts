import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { CreateMessageRequestSchema, type JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import { serve } from '@tidings/server'
import { fixture } from '../../src/fixture.ts'
import { bridgeToClient } from '../../src/suite/bridge-to-client.ts'
import { bridgeToServer } from '../../src/suite/bridge-to-server.ts'

test('a client of Streamable HTTP gets over the bridge whatever a server of HTTP+SSE sends', async () => {
  await using running = await serve(fixture(), { port: 0 })
  const bridge = await bridgeToServer(new URL('/sse', running.url))
  const client = new Client({ name: 'test', version: '0.0.0' }, { capabilities: { sampling: {} } })
  client.setRequestHandler(CreateMessageRequestSchema, () => ({
    role: 'assistant',
    content: { type: 'text', text: 'Because.' },
    model: 'none',
  }))
  await client.connect(new StreamableHTTPClientTransport(new URL(bridge.url)))

  const steps: number[] = []
  await client.callTool({ name: 'test_tool_with_progress' }, undefined, {
    onprogress: ({ progress }) => steps.push(progress),
  })
  expect(steps).toEqual([0, 50, 100])
  const answer = await client.callTool({ name: 'test_sampling', arguments: { prompt: 'Why?' } })
  expect(answer.content).toEqual([{ type: 'text', text: 'LLM response: Because.' }])

  await client.close()
  await bridge.close()
})

// A server that has no stream of the client's yet drops what it asks: a request must not overtake the stream.
test.each([
  ['opens', 200],
  ['refuses', 405],
])('a request over the bridge waits until the server %s the stream', async (_, status) => {
  await using server = await serverWithLateStream(status)
  const bridge = await bridgeToClient(new URL(server.url))
  const client = new SSEClientTransport(new URL(bridge.url))
  const response = () => new Promise<JSONRPCMessage>((resolve) => (client.onmessage = resolve))
  await client.start()
  const initialized = response()
  await client.send({
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '0' } },
  })
  await initialized

  const called = response()
  await client.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
  await client.send({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'ask' } })
  // The server answers the GET when it has received this notification.
  await client.send({ jsonrpc: '2.0', method: 'notifications/roots/list_changed' })
  const answer = await called
  await client.close()
  await bridge.close()
  expect(answer).toEqual({ jsonrpc: '2.0', id: 2, result: {} })
  expect(server.seen.slice(-2)).toEqual(['GET answered', 'tools/call'])
})

/** A Streamable HTTP server that answers a GET only after the client has said that its roots have changed. */
async function serverWithLateStream(status: number) {
  const seen: string[] = []
  let onRootsChanged = () => {}
  const rootsChanged = new Promise<void>((resolve) => (onRootsChanged = resolve))
  const handle = async (request: http.IncomingMessage, response: http.ServerResponse) => {
    if (request.method === 'GET') {
      await rootsChanged
      seen.push('GET answered')
      response.writeHead(status, { 'content-type': 'text/event-stream' }).flushHeaders()
      if (status !== 200) response.end()
      return
    }
    const { id, method, params }: any = await json(request)
    seen.push(method)
    if (id === undefined) response.writeHead(202).end()
    else {
      const result = method === 'initialize' ? { ...params, serverInfo: params.clientInfo } : {}
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
    }
    if (method === 'notifications/roots/list_changed') onRootsChanged()
  }
  const server = http.createServer((request, response) => void handle(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    seen,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
