import { defer } from '@tidings/testkit/disposers'
import { McpServer, type McpServerOptions, serve, type ServeOptions, type Serving } from '../../src/index.ts'

/** A server with nothing on it yet, served on a free port. */
export async function start(
  register: (server: McpServer) => void = () => {},
  options: ServeOptions = {},
  serverOptions: McpServerOptions = {},
): Promise<Serving & { server: McpServer }> {
  const server = new McpServer(
    { name: 'test', version: '1.2.3' },
    { ...(options.logger && { logger: options.logger }), ...serverOptions },
  )
  register(server)
  const serving = await serve(server, options)
  defer(serving, () => serving.close({ deadlineMs: 0 }))
  return Object.assign(serving, { server })
}
