import { once } from 'node:events'
import http from 'node:http'
import { text } from 'node:stream/consumers'
import { freePort } from '@tidings/testkit/free-port'

/** A proxy that makes the suite speak an older revision. */
export interface VersionPin {
  /** The server's endpoint, through the proxy. */
  url: string
  /** How often a client was made to ask for the older revision. */
  readonly pinned: number
  close(): Promise<void>
}

/**
 * Starts a proxy before the MCP endpoint `target`. The suite's client always asks for the latest revision that has
 * sessions, whichever it is told to test: in what passes here, `initialize` asks for `revision` instead.
 */
export async function pinVersion(target: URL, revision: string): Promise<VersionPin> {
  let pinned = 0
  const proxy = http.createServer((request, response) => {
    void pass(request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(502)
      response.end(String(error))
    })
  })

  async function pass(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    let body = await text(request)
    const headers: http.IncomingHttpHeaders = { ...request.headers, host: target.host }
    if (request.method === 'POST') {
      const older = askingFor(revision, body)
      if (older !== undefined) {
        pinned++
        body = older
        if (headers['mcp-protocol-version']) headers['mcp-protocol-version'] = revision
      }
      headers['content-length'] = String(Buffer.byteLength(body))
    }
    const onward = http.request(target, { method: request.method!, headers })
    // Who leaves here leaves there: streams stay open for as long as someone reads them.
    response.once('close', () => onward.destroy())
    onward.end(body)
    const [answer] = (await once(onward, 'response')) as [http.IncomingMessage]
    answer.once('error', () => response.destroy())
    response.writeHead(answer.statusCode!, answer.headers).flushHeaders()
    answer.pipe(response)
  }

  const port = await freePort()
  proxy.listen(port, 'localhost')
  await once(proxy, 'listening')
  return {
    url: `http://localhost:${port}${target.pathname}`,
    get pinned() {
      return pinned
    },
    async close() {
      proxy.close()
      proxy.closeAllConnections()
      await once(proxy, 'close')
    },
  }
}

/** The body of an `initialize` that asks for `revision`, made of one that asks for another; of others, `undefined`. */
function askingFor(revision: string, body: string): string | undefined {
  let message: { method?: unknown; params?: { protocolVersion?: unknown } }
  try {
    message = JSON.parse(body) as typeof message
  } catch {
    // The server has to say what is wrong with it.
    return undefined
  }
  if (message?.method !== 'initialize' || message.params?.protocolVersion === undefined) return undefined
  return JSON.stringify({ ...message, params: { ...message.params, protocolVersion: revision } })
}
