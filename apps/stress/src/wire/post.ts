import { type Agent, request } from 'node:http'

/** What a message was answered with. */
export interface Answer {
  status: number
  headers: Readonly<Record<string, string | string[] | undefined>>
  body: string
}

/** How a request is made. */
export interface PostOptions {
  port: number
  path: string
  method?: 'POST' | 'DELETE' | 'GET'
  headers?: Record<string, string> | undefined
  /** Sent as JSON. */
  body?: object
  agent?: Agent
}

/**
 * Makes one HTTP request to this machine.
 *
 * @throws when it is not answered.
 */
export function post({ body, method = 'POST', agent, ...options }: PostOptions): Promise<Answer> {
  const json = body === undefined ? undefined : JSON.stringify(body)
  const headers = {
    Accept: 'application/json, text/event-stream',
    ...(json !== undefined && {
      'Content-Type': 'application/json',
      'Content-Length': String(Buffer.byteLength(json)),
    }),
    ...options.headers,
  }
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', ...options, method, headers, agent: agent ?? false },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (piece: string) => (text += piece))
        response.on('error', reject)
        response.on('end', () => {
          resolve({ status: response.statusCode!, headers: response.headers, body: text })
        })
      },
    )
    sent.on('error', reject)
    sent.end(json)
  })
}
