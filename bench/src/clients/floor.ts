// The practical floor: node:http, eventsource-parser, and the least that makes a client of them.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { createParser } from 'eventsource-parser'
import { type TransportName, modernMeta } from '../wire.ts'
import { type BenchClient, control, textOf } from './control.ts'

interface Message {
  id?: number
  method?: string
  params: { uri: string }
  result: { content: unknown }
}

const agent = new Agent({ keepAlive: true })
const accept = 'application/json, text/event-stream'
const waiting = new Map<number, (message: Message) => void>()
const listeners = new Map<string, (params: { uri: string }) => void>()

/** Sends a message, and gives the response when its head has come. */
function send(
  url: string,
  message: object | undefined,
  headers: Record<string, string>,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const body = message && JSON.stringify(message)
    const post = body && { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }
    const method = body === undefined ? 'GET' : 'POST'
    request(url, { agent, method, headers: { Accept: accept, ...headers, ...post } }, resolve)
      .on('error', reject)
      .end(body)
  })
}

async function textOfBody(response: IncomingMessage): Promise<string> {
  let text = ''
  response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  await once(response, 'end')
  if (response.statusCode! >= 300) throw new Error(`${response.statusCode} ${text}`)
  return text
}

/** Reads a stream to its end, and dispatches what comes. Gives the data of its first event. */
function read(stream: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    const parser = createParser({
      onEvent({ event, data }) {
        if (event === 'endpoint') return resolve(data)
        const message = JSON.parse(data) as Message
        if (message.method !== undefined) {
          listeners.get(message.method)?.(message.params)
          return resolve(data)
        }
        waiting.get(message.id!)?.(message)
        waiting.delete(message.id!)
      },
    })
    stream.setEncoding('utf8').on('data', (chunk: string) => parser.feed(chunk))
  })
}

control(async (transport: TransportName, url: string): Promise<BenchClient> => {
  const { origin } = new URL(url)
  let id = 0
  let target = url
  let headers: Record<string, string> = {}

  const ask = async (method: string, params: object): Promise<Message> => {
    const message = { jsonrpc: '2.0', id: ++id, method, params }
    if (transport === 'http+sse') {
      const answer = new Promise<Message>((resolve) => waiting.set(message.id, resolve))
      await textOfBody(await send(target, message, headers))
      return answer
    }
    if (transport === 'stateless') {
      const { name } = params as { name?: string }
      const about = { 'Mcp-Method': method, ...(name !== undefined && { 'Mcp-Name': name }) }
      const modern = { ...message, params: { ...params, _meta: modernMeta } }
      return JSON.parse(await textOfBody(await send(target, modern, { ...headers, ...about }))) as Message
    }
    return JSON.parse(await textOfBody(await send(target, message, headers))) as Message
  }

  const clientInfo = { name: 'floor', version: '1.0.0' }
  const initialize = (protocolVersion: string) => ({ protocolVersion, capabilities: {}, clientInfo })
  switch (transport) {
    case 'http+sse':
      target = origin + (await read(await send(url, undefined, {})))
      await ask('initialize', initialize('2024-11-05'))
      break
    case 'paired': {
      const query = `?client_id=${randomUUID()}`
      void read(await send(url + query, undefined, {}))
      target = `${origin}/mcp${query}`
      await ask('initialize', initialize('2024-11-05'))
      break
    }
    case 'streamable-http': {
      const params = initialize('2025-11-25')
      const response = await send(url, { jsonrpc: '2.0', id: 0, method: 'initialize', params }, {})
      await textOfBody(response)
      headers = {
        'Mcp-Session-Id': String(response.headers['mcp-session-id']),
        'MCP-Protocol-Version': '2025-11-25',
      }
      void read(await send(url, undefined, headers))
      break
    }
    case 'stateless':
      headers = { 'MCP-Protocol-Version': '2026-07-28' }
      break
  }

  return {
    call: async (name, args) => textOf((await ask('tools/call', { name, arguments: args })).result.content),
    async subscribe(uri, listener) {
      listeners.set('notifications/resources/updated', (params) => listener(params.uri))
      if (transport !== 'stateless') return void (await ask('resources/subscribe', { uri }))
      const params = { notifications: { resourceSubscriptions: [uri] }, _meta: modernMeta }
      const message = { jsonrpc: '2.0', id: ++id, method: 'subscriptions/listen', params }
      await read(await send(target, message, { ...headers, 'Mcp-Method': 'subscriptions/listen' }))
    },
  }
})
