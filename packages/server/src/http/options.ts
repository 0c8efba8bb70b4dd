import { defaultJsonBounds, type JsonBounds } from '@tidings/protocol'
import type { Context } from 'koa'
import { type LimitsOptions, type Limits, limitsOf } from '../limits.ts'
import { type Logger, requireLogger } from '../logger.ts'
import { describe, requireKnown, requireNumbers, requireWholeNumbers } from '../options.ts'
import type { GuardOptions } from './incoming/guard.ts'
import { isPath } from './incoming/target.ts'

/** The form of a response that is sent in the HTTP response of its request. */
export type ResponseForm = 'auto' | 'json' | 'sse'

/** Options that do not depend on how requests come in. */
export interface MountOptions {
  /**
   * `false` runs Streamable HTTP without sessions: no notifications, no resuming. Default `true`.
   */
  keepSessions?: boolean
  /**
   * Where sessions live. `backplane`: what a session is, is stored in the backplane, so that it outlives its node.
   * `memory`: nothing is stored, and a session ends with its node. Default: `backplane` where the server was given one,
   * `memory` where it has its own.
   */
  sessions?: 'backplane' | 'memory'
  /**
   * The form of responses over Streamable HTTP and in revision 2026-07-28: `json`, `sse`, or `auto` (the default), which
   * answers with JSON unless something is sent before the response; then it opens an event stream. With `json`, messages
   * before the response go to the session's stream, and in 2026-07-28 nowhere. A client that accepts only one form gets
   * that form.
   */
  responses?: ResponseForm
  /**
   * Secret used to encrypt `requestState`, which a client of 2026-07-28 carries between two rounds of a request. Use the same
   * value on all nodes. Default: random.
   */
  requestStateSecret?: string | Uint8Array
  /** Takes the log of sessions and failures. Default: the logger of the server. */
  logger?: Logger
  /** Limits on the use of the server: sessions, streams, requests in flight, subscriptions. */
  limits?: LimitsOptions
  /**
   * Milliseconds that a client which lost its stream has to come back. For that long its messages are kept, and over HTTP+SSE
   * its session. Default 60,000.
   */
  resumeWithinMs?: number
  /**
   * Milliseconds that a session over the transports `paired` and `streamable-http`, which can do without a stream, is kept
   * after the client was last heard of. Default 1,800,000.
   */
  idleTimeoutMs?: number
  /**
   * Milliseconds of silence after which a comment is written to a stream, so that proxies keep it open. A request that takes
   * this long begins its stream, if the client accepts one and `responses` allows it. Default 15,000.
   */
  keepAliveMs?: number
  /** Milliseconds that clients are told to wait before they open a lost stream again, a whole number. Default 1,000. */
  retryMs?: number
}

/** Options of `mcp()`, and with more of `handler()` and `serve()`. */
export interface McpOptions extends MountOptions, GuardOptions {
  /** The paths of the transports. */
  paths?: {
    /** Opens event streams. Default `/sse`. */
    sse?: string
    /** Takes messages of the transport `http+sse`, whose clients are told the path. Default `/messages`. */
    messages?: string
    /** Takes messages of all other transports. Default `/mcp`. */
    mcp?: string
    /** Default `/health`. */
    health?: string
  }
  /**
   * The URL under which clients reach this server, where it differs from what the server sees: what precedes `/sse` and `/mcp`,
   * such as `https://example.com/tools` behind a proxy that takes `/tools` off. Clients of `http+sse` are told its path, and its
   * host is served. Default: what `X-Forwarded-Prefix` says (in a Koa application only with `app.proxy`), and what the routers
   * of the application have taken off.
   */
  publicUrl?: string
  /**
   * Identifies the caller, with an id that stays the same when a token is renewed; sessions belong to it. Throw
   * (`ctx.throw(401)`) to reject the request. `undefined` means anonymous. It has 10 s; after that the request gets status 503.
   * Default: all callers are anonymous.
   */
  principal?: (ctx: Context) => string | undefined | Promise<string | undefined>
  /**
   * Milliseconds after which `principal` is asked again about the request that opened a stream. The stream ends when it throws
   * or returns another id. `Infinity`, for tokens that can be used once, asks only when a stream is opened. Default 60,000.
   */
  principalMaxAgeMs?: number
  /**
   * Bytes that a request body may have. A larger body gets status 413. A body may be nested 100 deep and hold 100,000 values,
   * or one for each 50 bytes of `maxBodyBytes` when that is more; past that it gets status 400. Default 4,194,304 (4 MiB).
   */
  maxBodyBytes?: number
  /**
   * Milliseconds that a reader may take nothing of what is written to it, before its connection is cut. Its messages are
   * kept for its return, as for every client that lost its stream. Default 60,000.
   */
  writeTimeoutMs?: number
}

/** The paths of the transports. */
type Paths = Required<NonNullable<McpOptions['paths']>>

/** {@link MountOptions} with the defaults filled in. */
export interface ResolvedMountOptions {
  readonly keepSessions: boolean
  /** Undefined for the default of the server. */
  readonly sessions: 'backplane' | 'memory' | undefined
  readonly responses: ResponseForm
  readonly requestStateSecret: string | Uint8Array | undefined
  readonly logger: Logger
  readonly limits: Limits
  readonly resumeWithinMs: number
  readonly idleTimeoutMs: number
  readonly keepAliveMs: number
  readonly retryMs: number
  readonly paths: Paths
  readonly bodyBounds: JsonBounds
}

const defaultMaxBodyBytes = 4 * 1024 * 1024
/** A message that has more values than one for so many bytes is unusual. */
const bytesPerValue = 50
const defaultPaths: Paths = { sse: '/sse', messages: '/messages', mcp: '/mcp', health: '/health' }

/**
 * Fills in the defaults.
 *
 * @param serverLogger the default for `logger`.
 * @throws {TypeError} when an option has a value it cannot have.
 */
export function resolveMountOptions(
  options: MountOptions & Pick<McpOptions, 'paths' | 'maxBodyBytes'>,
  serverLogger: Logger,
): ResolvedMountOptions {
  const {
    keepSessions = true,
    sessions,
    responses = 'auto',
    requestStateSecret,
    logger = serverLogger,
  } = options
  const { resumeWithinMs = 60_000, idleTimeoutMs = 30 * 60_000 } = options
  const { keepAliveMs = 15_000, retryMs = 1_000 } = options
  requireNumbers({ resumeWithinMs, idleTimeoutMs, keepAliveMs })
  requireWholeNumbers({ retryMs })
  if (typeof keepSessions !== 'boolean') {
    throw new TypeError(`keepSessions must be true or false, got ${describe(keepSessions)}`)
  }
  if (sessions !== undefined && sessions !== 'backplane' && sessions !== 'memory') {
    throw new TypeError(`sessions must be backplane or memory, got ${describe(sessions)}`)
  }
  const isSecret = typeof requestStateSecret === 'string' || requestStateSecret instanceof Uint8Array
  if (requestStateSecret !== undefined && !isSecret) {
    throw new TypeError(`requestStateSecret must be a string or bytes, got ${describe(requestStateSecret)}`)
  }
  if (!['auto', 'json', 'sse'].includes(responses)) {
    throw new TypeError(`responses must be auto, json or sse, got ${describe(responses)}`)
  }
  return {
    keepSessions,
    sessions,
    responses,
    requestStateSecret,
    logger: requireLogger(logger),
    limits: limitsOf(options.limits),
    resumeWithinMs,
    idleTimeoutMs,
    keepAliveMs,
    retryMs,
    paths: resolvePaths(options.paths),
    bodyBounds: boundsOf(options.maxBodyBytes),
  }
}

function boundsOf(maxBodyBytes = defaultMaxBodyBytes): JsonBounds {
  const maxValues = Math.max(defaultJsonBounds.maxValues, Math.floor(maxBodyBytes / bytesPerValue))
  return { ...defaultJsonBounds, maxValues }
}

/** @throws {TypeError} when a path is not plain. */
function resolvePaths(paths: McpOptions['paths'] = {}): Paths {
  requireKnown('paths', paths, Object.keys(defaultPaths))
  const resolved = { ...defaultPaths, ...paths }
  for (const [name, path] of Object.entries(resolved)) {
    if (/^\/([\w.~-]+(\/[\w.~-]+)*)?$/.test(path)) continue
    throw new TypeError(`paths.${name} must be a plain path such as /mcp, got ${JSON.stringify(path)}`)
  }
  return resolved
}

/** {@link McpOptions} that concern bytes on sockets, with the defaults filled in. */
export interface ResolvedSocketOptions {
  readonly maxBodyBytes: number
  readonly writeTimeoutMs: number
  readonly principal: McpOptions['principal']
  readonly publicUrl: URL | undefined
  readonly principalMaxAgeMs: number
}

/** @throws {TypeError} when an option has a value it cannot have. */
export function resolveSocketOptions(options: McpOptions): ResolvedSocketOptions {
  const { maxBodyBytes = defaultMaxBodyBytes, writeTimeoutMs = 60_000, principal } = options
  const { principalMaxAgeMs = 60_000 } = options
  requireNumbers({ principalMaxAgeMs }, 1)
  requireNumbers({ maxBodyBytes, writeTimeoutMs })
  if (principal !== undefined && typeof principal !== 'function') {
    throw new TypeError(`principal must be a function of the Koa context, got ${describe(principal)}`)
  }
  return {
    maxBodyBytes,
    writeTimeoutMs,
    principal,
    principalMaxAgeMs,
    publicUrl: resolvePublicUrl(options.publicUrl),
  }
}

/** @throws {TypeError} when it is no URL, or has more than a path. */
function resolvePublicUrl(publicUrl: string | undefined): URL | undefined {
  if (publicUrl === undefined) return undefined
  if (/^https?:\/\/[^\s@?#\\]+$/i.test(publicUrl) && URL.canParse(publicUrl)) {
    const url = new URL(publicUrl)
    if (isPath(url.pathname)) return url
  }
  const what = 'an http or https URL without query, such as https://example.com/tools'
  throw new TypeError(`publicUrl must be ${what}, got ${describe(publicUrl)}`)
}
