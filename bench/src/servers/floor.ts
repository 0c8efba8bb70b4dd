// The practical floor: a bare node:http server that does the least that is correct, with what can be encoded ahead.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { now } from '../clock.ts'
import { echoText } from '../wire.ts'
import { control } from './control.ts'

interface Message {
  id?: number
  method: string
  params: {
    name: string
    uri: string
    arguments: { text: string; times: number }
    notifications: { resourceSubscriptions: string[] }
    protocolVersion: string
  }
}

/** A reader of a resource's changes, and what it is written: the same Buffer for all, but for the modern era's id. */
type Readers = Map<ServerResponse, Buffer>

// A reader that does not read: written to only while its socket takes it, and once more when it does again.
const coalesces = process.argv.includes('coalesce')
const streams = new Map<string, ServerResponse>()
const topics = new Map<string, Readers>()
const sharedFrames = new Map<string, Buffer>()
/** What was subscribed to before the session's stream was opened. */
const early = new Map<string, string[]>()
const behind = new Map<ServerResponse, Set<Buffer>>()
const streamHeaders = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' }
const subscriptionId = 'io.modelcontextprotocol/subscriptionId'

const frameOf = (message: object) => Buffer.from(`event: message\ndata: ${JSON.stringify(message)}\n\n`)

const updated = (uri: string, _meta?: object) =>
  frameOf({
    jsonrpc: '2.0',
    method: 'notifications/resources/updated',
    params: { uri, ...(_meta && { _meta }) },
  })

function sharedFrame(uri: string): Buffer {
  let frame = sharedFrames.get(uri)
  if (frame === undefined) sharedFrames.set(uri, (frame = updated(uri)))
  return frame
}

function subscribe(uri: string, reader: ServerResponse, frame: Buffer): void {
  let readers = topics.get(uri)
  if (readers === undefined) topics.set(uri, (readers = new Map<ServerResponse, Buffer>()))
  readers.set(reader, frame)
  reader.once('close', () => readers.delete(reader))
}

function subscribeSession(uri: string, sessionId: string): void {
  const stream = streams.get(sessionId)
  if (stream !== undefined) subscribe(uri, stream, sharedFrame(uri))
  else early.set(sessionId, [...(early.get(sessionId) ?? []), uri])
}

function publish(uri: string): void {
  const readers = topics.get(uri)
  if (readers === undefined) return
  if (coalesces) for (const [reader, frame] of readers) writeOrRemember(reader, frame)
  else for (const [reader, frame] of readers) reader.write(frame)
}

function writeOrRemember(reader: ServerResponse, frame: Buffer): void {
  if (!reader.writableNeedDrain) {
    reader.write(frame)
    return
  }
  let frames = behind.get(reader)
  if (frames === undefined) {
    behind.set(reader, (frames = new Set()))
    reader.once('drain', () => {
      const missed = behind.get(reader)!
      behind.delete(reader)
      for (const frame of missed) writeOrRemember(reader, frame)
    })
  }
  frames.add(frame)
}

function openStream(res: ServerResponse, id: string, first: string | Buffer): void {
  streams.set(id, res)
  res.once('close', () => streams.delete(id))
  res.writeHead(200, streamHeaders)
  res.write(first)
  for (const uri of early.get(id) ?? []) subscribe(uri, res, sharedFrame(uri))
  early.delete(id)
}

const serverInfo = { name: 'floor', version: '1.0.0' }
const capabilities = { tools: {}, resources: { subscribe: true, listChanged: true } }

function resultOf({ method, params }: Message, sessionId: string | undefined): object {
  switch (method) {
    case 'tools/call':
      return { content: [{ type: 'text', text: echoText(params.arguments) }] }
    case 'initialize':
      return { protocolVersion: params.protocolVersion, capabilities, serverInfo }
    case 'resources/subscribe':
      subscribeSession(params.uri, sessionId!)
      return {}
    case 'server/discover':
      return { supportedVersions: ['2026-07-28'], capabilities, serverInfo, ttlMs: 0, cacheScope: 'private' }
    default:
      return {}
  }
}

function answerOf(message: Message, sessionId?: string): string {
  return JSON.stringify({ jsonrpc: '2.0', id: message.id, result: resultOf(message, sessionId) })
}

function sendJson(res: ServerResponse, json: string, headers: Record<string, string> = {}): void {
  res.writeHead(200, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(json),
    ...headers,
  })
  res.end(json)
}

function listen({ id, params }: Message, res: ServerResponse): void {
  const { notifications } = params
  const _meta = { [subscriptionId]: id }
  const method = 'notifications/subscriptions/acknowledged'
  openStream(res, randomUUID(), frameOf({ jsonrpc: '2.0', method, params: { notifications, _meta } }))
  for (const uri of notifications.resourceSubscriptions) subscribe(uri, res, updated(uri, _meta))
}

function receive(req: IncomingMessage, res: ServerResponse, message: Message): void {
  const url = req.url!
  const query = url.indexOf('=')
  const sessionId = query > 0 ? url.slice(query + 1) : (req.headers['mcp-session-id'] as string | undefined)
  if (url.startsWith('/messages')) {
    res.writeHead(202).end()
    if (message.id !== undefined)
      streams.get(sessionId!)!.write(`event: message\ndata: ${answerOf(message, sessionId)}\n\n`)
  } else if (message.id === undefined) {
    res.writeHead(202).end()
  } else if (message.method === 'subscriptions/listen') {
    listen(message, res)
  } else if (req.headers['mcp-method'] !== undefined) {
    const result = { resultType: 'complete', ...resultOf(message, undefined) }
    sendJson(res, JSON.stringify({ jsonrpc: '2.0', id: message.id, result }))
  } else if (message.method === 'initialize' && query < 0) {
    sendJson(res, answerOf(message), { 'Mcp-Session-Id': randomUUID() })
  } else {
    sendJson(res, answerOf(message, sessionId))
  }
}

/** Writes so many changes to all readers of the resource, as fast as they read. Gives when it began. */
async function blast({ uri, count }: { uri: string; count: number }): Promise<number> {
  const inOneWrite = 100
  while (!topics.has(uri)) await nextTurn()
  for (const [reader, frame] of topics.get(uri)!) {
    const frames = Buffer.concat(Array.from({ length: inOneWrite }, () => frame))
    let left = count
    const write = () => {
      while (left > 0) {
        left -= inOneWrite
        if (!reader.write(frames) && left > 0) return void reader.once('drain', write)
      }
    }
    setImmediate(write)
  }
  return now()
}

const server = createServer((req, res) => {
  const url = req.url!
  if (req.method === 'GET') {
    const query = url.indexOf('=')
    if (query > 0) return openStream(res, url.slice(query + 1), ':\n\n')
    if (url === '/mcp') return openStream(res, req.headers['mcp-session-id'] as string, ':\n\n')
    const id = randomUUID()
    return openStream(res, id, `event: endpoint\ndata: /messages?sessionId=${id}\n\n`)
  }
  if (req.method === 'DELETE') return res.writeHead(204).end()
  const chunks: Buffer[] = []
  req.on('data', (chunk: Buffer) => chunks.push(chunk))
  req.on('end', () => {
    const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
    receive(req, res, JSON.parse(body.toString()) as Message)
  })
}).listen(0, '127.0.0.1')
await once(server, 'listening')
control({ port: (server.address() as AddressInfo).port, publish }, { blast })
