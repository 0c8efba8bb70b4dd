import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Listens on a free port of this machine. What a listener throws is answered by 500, as it is by frameworks. */
export async function listen(
  listener: (req: IncomingMessage, res: ServerResponse) => Promise<unknown>,
): Promise<{ server: Server; port: number }> {
  const server = createServer((req, res) => {
    listener(req, res).catch(() => res.headersSent || res.writeHead(500).end())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

/** A port that was free a moment ago, for a server that cannot look for one itself. */
export async function freePort(): Promise<number> {
  const { server, port } = await listen(async () => {})
  await stop(server)
  return port
}

/** Cuts off who is connected, and stops listening. */
export async function stop(server: Server): Promise<void> {
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
}
