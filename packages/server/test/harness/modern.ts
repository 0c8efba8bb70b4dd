import { encodeHeaderValue, metaKeys, nameOf } from '@tidings/protocol'
import { post } from '@tidings/testkit/post'

/** A request of 2026-07-28, and the headers it needs. */
export interface ModernRequest {
  method: string
  params?: Record<string, unknown>
  id?: string | number
  capabilities?: object
  meta?: Record<string, unknown>
  headers?: Record<string, string>
}

export function modernBody({ method, params = {}, id = 1, capabilities = {}, meta = {} }: ModernRequest) {
  const _meta = {
    [metaKeys.protocolVersion]: '2026-07-28',
    [metaKeys.clientInfo]: { name: 'raw', version: '0' },
    [metaKeys.clientCapabilities]: capabilities,
    ...meta,
  }
  return { jsonrpc: '2.0', id, method, params: { ...params, _meta } }
}

export function modernHeaders({ method, params, headers }: ModernRequest): Record<string, string> {
  const name = nameOf(method, params)
  return {
    Accept: 'application/json, text/event-stream',
    'MCP-Protocol-Version': '2026-07-28',
    'Mcp-Method': method,
    ...(name !== undefined && { 'Mcp-Name': encodeHeaderValue(name) }),
    ...headers,
  }
}

/** Sends a request of 2026-07-28. */
export function send(url: string, request: ModernRequest): Promise<Response> {
  return post(`${url}/mcp`, modernBody(request), modernHeaders(request))
}

/** The answer to a request of 2026-07-28 that is not streamed. */
export async function ask(url: string, request: ModernRequest): Promise<any> {
  return (await send(url, request)).json()
}
