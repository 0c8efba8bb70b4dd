import {
  type ClientCapabilities,
  errorCodes,
  headerMatches,
  headerParams,
  headers,
  type HeaderValue,
  type Implementation,
  isModernRevision,
  type JSONRPCRequest,
  type LoggingLevel,
  McpError,
  metaKeys,
  type ModernRevision,
  nameOf,
  parseModernMeta,
  revisions,
  valueAt,
} from '@tidings/protocol'
import type { Call, Calls } from '../../requests/call.ts'
import type { Peer } from '../../requests/peer.ts'
import type { Principal } from '../../requests/principal.ts'
import type { TransportRequest } from './transport-request.ts'
import type { TransportContext } from './transport.ts'

/** The client of a request of the modern era, as `_meta` describes it. The headers of the request must say the same. */
export class ModernPeer implements Peer {
  readonly principal: Principal
  readonly revision: ModernRevision
  readonly clientInfo: Implementation | undefined
  readonly clientCapabilities: ClientCapabilities
  readonly logLevel: LoggingLevel | undefined
  readonly session = undefined
  /** Its request, once the server answers it. */
  call: Call | undefined
  readonly #calls: Calls

  /**
   * @throws {McpError} `invalidParams` when `_meta` is not complete, `headerMismatch` when a header is missing or says
   * something else than the body, `unsupportedProtocolVersion`.
   */
  constructor(request: TransportRequest, message: JSONRPCRequest, { calls, tools }: TransportContext) {
    const meta = parseModernMeta(message.params)
    this.principal = request.principal
    this.revision = revisionOf(request, meta[metaKeys.protocolVersion])
    this.clientInfo = meta[metaKeys.clientInfo]
    this.clientCapabilities = meta[metaKeys.clientCapabilities]
    this.logLevel = meta[metaKeys.logLevel]
    this.#calls = calls
    requireHeaders(request, message, tools)
  }

  get label(): string {
    return this.clientInfo?.name.slice(0, 40) ?? 'unnamed client'
  }

  begun(call: Call): void {
    this.call = call
    this.#calls.add(call)
  }

  over(call: Call): void {
    this.#calls.delete(call)
  }
}

function revisionOf(request: TransportRequest, requested: string): ModernRevision {
  requireHeader(request, headers.protocolVersion, requested)
  if (isModernRevision(requested)) return requested
  const supported = [...revisions].reverse()
  const message = `Unsupported protocol version ${requested.slice(0, 100)}: this server speaks ${supported.join(', ')}`
  throw new McpError(errorCodes.unsupportedProtocolVersion, message, { data: { supported, requested } })
}

// Proxies between client and server read the headers: these may not differ from the body.
// https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#server-validation
function requireHeaders(
  request: TransportRequest,
  { method, params }: JSONRPCRequest,
  tools: TransportContext['tools'],
): void {
  requireHeader(request, headers.method, method)
  const name = nameOf(method, params)
  if (name !== undefined) requireHeader(request, headers.name, name)
  const schema = method === 'tools/call' && name !== undefined ? tools.inputSchemaOf(name) : undefined
  if (schema === undefined) return
  const { arguments: args } = params as { arguments?: unknown }
  for (const { path, header } of headerParams(schema)) {
    const value = valueAt(args, path)
    if (value !== undefined && value !== null) requireHeader(request, header, value as HeaderValue)
    else if (request.header(header)) throw mismatch(`The header ${header} stands for no argument of the body`)
  }
}

function requireHeader(request: TransportRequest, header: string, value: HeaderValue): void {
  const text = request.header(header)
  if (text === undefined) throw mismatch(`The header ${header} is missing`)
  const isPlain = header === headers.method || header === headers.protocolVersion
  if (isPlain ? text === value : headerMatches(text, value)) return
  throw mismatch(`The header ${header} says ${text.slice(0, 100)}, the body ${String(value).slice(0, 100)}`)
}

function mismatch(message: string): McpError {
  return new McpError(errorCodes.headerMismatch, message)
}
