import { FastMCP } from 'fastmcp'
import { freePort } from '../free-port.ts'
import type { Peer } from './peer.ts'

const silent = { debug() {}, error: console.error, info() {}, log() {}, warn() {} }

/**
 * Serves `fastmcp` at `/mcp`, with sessions.
 *
 * @param register gives it its tools and resources.
 */
export async function serveFastmcp(register: (server: FastMCP) => void): Promise<Peer & { server: FastMCP }> {
  const server = new FastMCP({ name: 'fastmcp', version: '1.0.0', logger: silent })
  register(server)
  const port = await freePort()
  await server.start({ transportType: 'httpStream', httpStream: { port, host: '127.0.0.1' } })
  return {
    server,
    port,
    changed: (uri) => server.sendResourceUpdated(uri),
    close: () => server.stop(),
  }
}
