import * as z from 'zod/mini'
import { ProgressToken, RequestId } from '../jsonrpc/jsonrpc.ts'
import { ClientCapabilities, Implementation } from './lifecycle.ts'
import { LoggingLevel } from './logging.ts'
import { openObject } from '../zod/open-object.ts'

/**
 * The keys of `_meta` that the protocol reserves. All but `progressToken` since 2026-07-28.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/index#meta
 */
export const metaKeys = {
  /** In a request: asks for progress notifications with this token. */
  progressToken: 'progressToken',
  /** In a request: its revision. Over HTTP, the header has the same value. */
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  /** In a request: the name and version of the client program. For display and logs only. */
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  /** In a request: the capabilities of the client. */
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  /** In a request: asks for the log messages of this request, of this level and above. */
  logLevel: 'io.modelcontextprotocol/logLevel',
  /** In each message on a stream of changes: the id of its `subscriptions/listen` request. */
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
  /** In a result: the name and version of the server program. For display and logs only. */
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  /** W3C Trace Context. */
  traceparent: 'traceparent',
  /** W3C Trace Context. */
  tracestate: 'tracestate',
  /** W3C Baggage. */
  baggage: 'baggage',
} as const

/** The `_meta` of a request since 2026-07-28: the specification's `RequestMetaObject`. */
export const ModernRequestMeta = openObject({
  [metaKeys.progressToken]: z.optional(ProgressToken),
  [metaKeys.protocolVersion]: z.string(),
  [metaKeys.clientInfo]: z.optional(Implementation),
  [metaKeys.clientCapabilities]: ClientCapabilities,
  [metaKeys.logLevel]: z.optional(LoggingLevel),
})
export type ModernRequestMeta = z.infer<typeof ModernRequestMeta>

/** The `_meta` of a notification since 2026-07-28. */
export const NotificationMetaObject = openObject({ [metaKeys.subscriptionId]: z.optional(RequestId) })
export type NotificationMetaObject = z.infer<typeof NotificationMetaObject>

/** The `_meta` of a result since 2026-07-28. */
export const ResultMetaObject = openObject({
  /** For display only. A client leaves out one that is invalid. */
  [metaKeys.serverInfo]: z.optional(Implementation),
})
export type ResultMetaObject = z.infer<typeof ResultMetaObject>
