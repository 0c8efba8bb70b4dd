import { get, type IncomingMessage } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { SseStream } from '@tidings/testkit/sse-stream'
import { until } from '@tidings/testkit/until'

// The time before it comes back, in milliseconds.
const retryMs = 50

/** A client of HTTP+SSE that does what an EventSource does, and nothing more: it comes back with its last event id. */
export class RawEventSource {
  /** The URIs of the resources that it was told have changed. */
  readonly heard: string[] = []
  /** The number of streams that it was given. */
  streams = 0
  /** The paths that it was told to post to: a second one means a second session. */
  readonly endpoints = new Set<string>()
  readonly #url: string
  readonly #end = new AbortController()
  readonly #answered = new Set<number>()
  readonly #running: Promise<void>
  #lastId = 0
  #lastEventId = ''

  constructor(url: string) {
    this.#url = url
    this.#running = this.#run()
  }

  /** Sends a request, and resolves when its answer has come on the stream. */
  async request(method: string, params: object): Promise<void> {
    const id = ++this.#lastId
    await this.#post({ jsonrpc: '2.0', id, method, params })
    await until(() => this.#answered.has(id), `${method} is not answered`)
  }

  async initialize(): Promise<void> {
    await until(() => this.endpoints.size > 0, 'there is no endpoint')
    const clientInfo = { name: 'raw', version: '1.0.0' }
    await this.request('initialize', { protocolVersion: '2024-11-05', capabilities: {}, clientInfo })
    await this.#post({ jsonrpc: '2.0', method: 'notifications/initialized' })
  }

  async close(): Promise<void> {
    this.#end.abort()
    await this.#running
  }

  async #post(message: object): Promise<void> {
    const [endpoint] = this.endpoints
    const { status } = await fetch(this.#url + endpoint, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(message),
    })
    if (status !== 202) throw new Error(`${JSON.stringify(message)} was answered with ${status}`)
  }

  async #run(): Promise<void> {
    const { signal } = this.#end
    while (!signal.aborted) {
      const response = await this.#open()
      if (response?.statusCode === 200) {
        this.streams++
        new SseStream(response, {
          id: (id) => (this.#lastEventId = id),
          event: ({ event, data }) => this.#take(event, data),
        })
        await new Promise((resolve) => response.once('close', resolve))
      } else response?.resume()
      if (!signal.aborted) await setTimeout(retryMs)
    }
  }

  /** Undefined when nobody answers. */
  async #open(): Promise<IncomingMessage | undefined> {
    const headers = {
      Accept: 'text/event-stream',
      ...(this.#lastEventId && { 'Last-Event-ID': this.#lastEventId }),
    }
    const request = get(`${this.#url}/sse`, { headers, signal: this.#end.signal })
    return new Promise((resolve) => {
      request.once('response', resolve)
      request.on('error', () => resolve(undefined))
    })
  }

  #take(event: string | undefined, data: string): void {
    if (event === 'endpoint') return void this.endpoints.add(data)
    const { id, method, params } = JSON.parse(data)
    if (method === undefined) this.#answered.add(id)
    else if (method === 'notifications/resources/updated') this.heard.push(params.uri)
  }
}
