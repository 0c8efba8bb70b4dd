import { modernMeta } from '../wire.ts'

const accept = 'Accept: application/json, text/event-stream\r\n'

/** A GET of an event stream. */
export function get(port: number, path: string, headers = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: text/event-stream\r\n${headers}\r\n`
}

/** A POST of a message, which must be ASCII. */
export function post(port: number, path: string, message: object, headers = ''): string {
  const body = JSON.stringify(message)
  return (
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n${accept}${headers}` +
    `Content-Length: ${body.length}\r\n\r\n${body}`
  )
}

/** A message of revision 2024-11-05 to 2025-11-25. */
export const legacyRequest = (id: number, method: string, params: object) => ({
  jsonrpc: '2.0',
  id,
  method,
  params,
})

export const initialize = (protocolVersion: string) =>
  legacyRequest(1, 'initialize', {
    protocolVersion,
    capabilities: {},
    clientInfo: { name: 'bench', version: '1.0.0' },
  })

export const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' }

/** A message of revision 2026-07-28. */
export const modernRequest = (id: number, method: string, params: object) => ({
  jsonrpc: '2.0',
  id,
  method,
  params: { ...params, _meta: modernMeta },
})

/** The headers that say what a message of revision 2026-07-28 is about. */
export const modernHeaders = (method: string, name?: string) =>
  `MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: ${method}\r\n${name === undefined ? '' : `Mcp-Name: ${name}\r\n`}`

/** The headers of a message of revision 2025-03-26 to 2025-11-25 in a session. */
export const sessionHeaders = (sessionId: string) =>
  `Mcp-Session-Id: ${sessionId}\r\nMCP-Protocol-Version: 2025-11-25\r\n`
