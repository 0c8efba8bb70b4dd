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
import type { Context } from 'koa'
import type { Call } from '../../requests/call.ts'
import type { Calls } from '../../requests/calls.ts'
import type { Peer } from '../../requests/peer.ts'
import type { McpServer } from '../../server.ts'

/** Who a request of the modern era is from: what its `_meta` says, which its headers must say, too. */
export class ModernPeer implements Peer {
  readonly principal: string | undefined
  readonly revision: ModernRevision
  readonly clientInfo: Implementation | undefined
  readonly clientCapabilities: ClientCapabilities
  readonly logLevel: LoggingLevel | undefined
  readonly session = undefined
  /** Its request, while that is being answered. */
  call: Call | undefined
  readonly #calls: Calls

  /**
   * @throws {McpError} `invalidParams` when `_meta` is not complete, `headerMismatch` when a header is missing or says
   * something else than the body, `unsupportedProtocolVersion`.
   */
  constructor(
    ctx: Context,
    request: JSONRPCRequest,
    principal: string | undefined,
    { server, calls }: { server: McpServer; calls: Calls },
  ) {
    const meta = parseModernMeta(request.params)
    this.principal = principal
    this.revision = revisionOf(ctx, meta[metaKeys.protocolVersion])
    this.clientInfo = meta[metaKeys.clientInfo]
    this.clientCapabilities = meta[metaKeys.clientCapabilities]
    this.logLevel = meta[metaKeys.logLevel]
    this.#calls = calls
    requireHeaders(ctx, request, server)
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

function revisionOf(ctx: Context, requested: string): ModernRevision {
  requireHeader(ctx, headers.protocolVersion, requested)
  if (isModernRevision(requested)) return requested
  const supported = [...revisions].reverse()
  const message = `Unsupported protocol version ${requested.slice(0, 100)}: this server speaks ${supported.join(', ')}`
  throw new McpError(errorCodes.unsupportedProtocolVersion, message, { data: { supported, requested } })
}

// What is between client and server goes by the headers: they may not say anything else than the body.
// https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#server-validation
function requireHeaders(ctx: Context, { method, params }: JSONRPCRequest, server: McpServer): void {
  requireHeader(ctx, headers.method, method)
  const name = nameOf(method, params)
  if (name !== undefined) requireHeader(ctx, headers.name, name)
  const schema = method === 'tools/call' && name !== undefined ? server.inputSchemaOf(name) : undefined
  if (schema === undefined) return
  const { arguments: args } = params as { arguments?: unknown }
  for (const { path, header } of headerParams(schema)) {
    const value = valueAt(args, path)
    if (value !== undefined && value !== null) requireHeader(ctx, header, value as HeaderValue)
    else if (ctx.get(header) !== '') throw mismatch(`The header ${header} stands for no argument of the body`)
  }
}

function requireHeader(ctx: Context, header: string, value: HeaderValue): void {
  const text = ctx.req.headers[header.toLowerCase()]
  if (typeof text !== 'string') throw mismatch(`The header ${header} is missing`)
  const isPlain = header === headers.method || header === headers.protocolVersion
  if (isPlain ? text === value : headerMatches(text, value)) return
  throw mismatch(`The header ${header} says ${text.slice(0, 100)}, the body ${String(value).slice(0, 100)}`)
}

function mismatch(message: string): McpError {
  return new McpError(errorCodes.headerMismatch, message)
}
