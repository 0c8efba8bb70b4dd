import { Agent, request, type IncomingHttpHeaders } from 'node:http'

/** The response to an HTTP request. */
export interface Exchange {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Of an event stream, its first chunk: the connection is cut then. */
  readonly text: string
}

export interface ExchangeOptions {
  method?: string
  /** Names and values in turn, so that a header can come twice. */
  headers?: readonly string[]
  body?: string | Uint8Array
}

const agent = new Agent({ keepAlive: true, maxSockets: 32 })

/** Makes an HTTP request. Rejects when the connection ends without a response. */
export function exchange(
  url: string,
  { method = 'POST', headers = [], body = '' }: ExchangeOptions = {},
): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, agent })
    for (let i = 0; i < headers.length; i += 2) {
      // It is set already, and of two hosts the first would count.
      if (headers[i] === 'Host') outgoing.setHeader('Host', headers[i + 1]!)
      else outgoing.appendHeader(headers[i]!, headers[i + 1]!)
    }
    outgoing.setHeader('Content-Length', Buffer.byteLength(body))
    outgoing.once('error', reject)
    outgoing.once('response', (response) => {
      let text = ''
      const done = () => resolve({ status: response.statusCode!, headers: response.headers, text })
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
        if (!response.headers['content-type']?.startsWith('text/event-stream')) return
        done()
        response.destroy()
      })
      response.once('end', done)
      response.once('error', done)
    })
    outgoing.end(body)
  })
}
