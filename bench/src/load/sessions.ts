import { randomUUID } from 'node:crypto'
import type { TransportName } from '../wire.ts'
import { EventStream } from './event-stream.ts'
import type { Pool } from './pool.ts'
import {
  get,
  initialize,
  initialized,
  legacyRequest,
  modernHeaders,
  modernRequest,
  post,
  sessionHeaders,
} from './requests.ts'

/** What is needed to open sessions. */
export interface Opening {
  port: number
  pool: Pool
  /** Called when a stream is lost. */
  onLost: (error: Error) => void
}

/** A session that is open: what a request in it looks like, and its stream. */
export interface OpenSession {
  request(id: number, method: string, params: object): string
  stream: EventStream | undefined
  /** Sends a request, and waits for its answer. */
  ask(method: string, params: object): Promise<void>
}

let lastId = 100

/** Opens a session, as a client does it by the transport. By `stateless` there is none, and nothing is sent. */
export async function openSession(transport: TransportName, opening: Opening): Promise<OpenSession> {
  const { port, pool, onLost } = opening
  switch (transport) {
    case 'http+sse': {
      const stream = new EventStream(port, get(port, '/sse'), onLost)
      const endpoint = /data: *(\S+)/.exec(await stream.next('event: endpoint'))![1]!
      const sendAndHear = async (message: { id: number }) => {
        const [answer] = await Promise.all([
          stream.next(`"id":${message.id}`),
          pool.request(post(port, endpoint, message)),
        ])
        assertSuccess(answer)
      }
      await sendAndHear(initialize('2024-11-05'))
      await pool.request(post(port, endpoint, initialized))
      return {
        stream,
        request: (id, method, params) => post(port, endpoint, legacyRequest(id, method, params)),
        ask: (method, params) => sendAndHear(legacyRequest(++lastId, method, params)),
      }
    }
    case 'paired': {
      const query = `?client_id=${randomUUID()}`
      const stream = new EventStream(port, get(port, `/sse${query}`), onLost)
      await stream.opened
      const path = `/mcp${query}`
      assertSuccess((await pool.request(post(port, path, initialize('2024-11-05')))).body)
      await pool.request(post(port, path, initialized))
      const request = (id: number, method: string, params: object) =>
        post(port, path, legacyRequest(id, method, params))
      return {
        stream,
        request,
        ask: async (method, params) =>
          assertSuccess((await pool.request(request(++lastId, method, params))).body),
      }
    }
    case 'streamable-http': {
      const { head, body } = await pool.request(post(port, '/mcp', initialize('2025-11-25')))
      assertSuccess(body)
      const headers = sessionHeaders(/\r\nmcp-session-id: *(\S+)/i.exec(head)![1]!)
      await pool.request(post(port, '/mcp', initialized, headers))
      const stream = new EventStream(port, get(port, '/mcp', headers), onLost)
      await stream.opened
      const request = (id: number, method: string, params: object) =>
        post(port, '/mcp', legacyRequest(id, method, params), headers)
      return {
        stream,
        request,
        ask: async (method, params) =>
          assertSuccess((await pool.request(request(++lastId, method, params))).body),
      }
    }
    case 'stateless': {
      const request = (id: number, method: string, params: object) => {
        const { name } = params as { name?: string }
        return post(port, '/mcp', modernRequest(id, method, params), modernHeaders(method, name))
      }
      return {
        stream: undefined,
        request,
        ask: async (method, params) =>
          assertSuccess((await pool.request(request(++lastId, method, params))).body),
      }
    }
  }
}

/** Opens a session with a stream, on which the changes of the resources are told. */
export async function openSubscriber(
  transport: TransportName,
  uris: string[],
  opening: Opening,
): Promise<EventStream> {
  const session = await openSession(transport, opening)
  if (session.stream === undefined) {
    const filter = { notifications: { resourceSubscriptions: uris } }
    const request = session.request(++lastId, 'subscriptions/listen', filter)
    const stream = new EventStream(opening.port, request, opening.onLost)
    const acknowledged = await stream.next('notifications/subscriptions/acknowledged')
    for (const uri of uris) {
      if (!acknowledged.includes(JSON.stringify(uri))) throw new Error(`Not listened to: ${acknowledged}`)
    }
    return stream
  }
  for (const uri of uris) await session.ask('resources/subscribe', { uri })
  return session.stream
}

function assertSuccess(answer: string): void {
  if (!answer.includes('"result":')) throw new Error(`Not a result: ${answer}`)
}
