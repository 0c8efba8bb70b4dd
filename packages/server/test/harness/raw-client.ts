import { post } from '@tidings/testkit/post'
import type { SseReader } from '@tidings/testkit/sse-reader'
import { read } from './read.ts'

/** A client of HTTP+SSE that has said hello, and no more than that: a stream, and a way to send. */
export class RawClient {
  readonly reader: SseReader
  readonly endpoint: string
  readonly #headers: Record<string, string>
  #lastId = 0

  constructor(reader: SseReader, endpoint: string, headers: Record<string, string> = {}) {
    this.reader = reader
    this.endpoint = endpoint
    this.#headers = headers
  }

  send(message: object): Promise<Response> {
    return post(this.endpoint, { jsonrpc: '2.0', ...message }, this.#headers)
  }

  /** Sends a request and waits for its answer; other messages stay for `reader.message()`. */
  async request(method: string, params?: object): Promise<any> {
    const id = ++this.#lastId
    const { status } = await this.send({ id, method, ...(params && { params }) })
    if (status !== 202) throw new Error(`${method} was answered ${status}`)
    return this.answer(id)
  }

  async answer(id: string | number): Promise<any> {
    const find = () =>
      this.reader.events
        .map(({ data, event }) => (event === 'message' ? JSON.parse(data) : {}))
        .find((message) => message.id === id && !message.method)
    await this.reader.until(() => find() !== undefined, `the answer ${id}`)
    return find()
  }

  get messages(): any[] {
    return this.reader.events.filter(({ event }) => event === 'message').map(({ data }) => JSON.parse(data))
  }
}

/** Opens a session over HTTP+SSE and initializes it. */
export async function connectRaw(
  url: string,
  {
    capabilities = {},
    protocolVersion = '2024-11-05',
    headers = {},
  }: { capabilities?: object; protocolVersion?: string; headers?: Record<string, string> } = {},
): Promise<RawClient> {
  const reader = await read(`${url}/sse`, headers)
  const { data } = await reader.next()
  const client = new RawClient(reader, new URL(data, url).href, headers)
  await client.request('initialize', {
    protocolVersion,
    capabilities,
    clientInfo: { name: 'raw', version: '0' },
  })
  await client.send({ method: 'notifications/initialized' })
  return client
}
