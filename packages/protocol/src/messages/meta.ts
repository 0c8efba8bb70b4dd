import * as z from 'zod/mini'
import { dropped } from '../zod/ignored.ts'
import { ProgressToken, RequestId } from '../jsonrpc/jsonrpc.ts'
import { ClientCapabilities, Implementation } from './lifecycle.ts'
import { LoggingLevel } from './logging.ts'
import { openObject } from '../zod/open-object.ts'

/**
 * The keys of `_meta` that the protocol reserves. But for `progressToken`, since 2026-07-28.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/index#meta
 */
export const metaKeys = {
  /** Of a request: wants to hear of its progress, by this token. */
  progressToken: 'progressToken',
  /** Of a request: its revision. On HTTP the same as in the header. */
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  /** Of a request: which program sends it. For display and logs only. */
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  /** Of a request: what the client can do for the server while it is answered. */
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  /** Of a request: wants to be sent what is logged while it is answered, from this level on. */
  logLevel: 'io.modelcontextprotocol/logLevel',
  /** Of a notification, and of the result that ends it: the id of the `subscriptions/listen` it belongs to. */
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
  /** Of a result: which program sends it. For display and logs only. */
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  /** W3C Trace Context. */
  traceparent: 'traceparent',
  /** W3C Trace Context. */
  tracestate: 'tracestate',
  /** W3C Baggage. */
  baggage: 'baggage',
} as const

/** What `_meta` of every request must and may carry since 2026-07-28: the specification's `RequestMetaObject`. */
export const ModernRequestMeta = openObject({
  [metaKeys.progressToken]: z.optional(ProgressToken),
  [metaKeys.protocolVersion]: z.string(),
  [metaKeys.clientInfo]: z.optional(Implementation),
  [metaKeys.clientCapabilities]: ClientCapabilities,
  [metaKeys.logLevel]: z.optional(LoggingLevel),
})
export type ModernRequestMeta = z.infer<typeof ModernRequestMeta>

/** What `_meta` of a notification may carry since 2026-07-28. */
export const NotificationMetaObject = openObject({ [metaKeys.subscriptionId]: z.optional(RequestId) })
export type NotificationMetaObject = z.infer<typeof NotificationMetaObject>

/** What `_meta` of a result may carry since 2026-07-28. */
export const ResultMetaObject = openObject({
  // It is for display only: no result is refused for it.
  [metaKeys.serverInfo]: z.optional(z.union([Implementation, dropped(z.unknown())])),
})
export type ResultMetaObject = z.infer<typeof ResultMetaObject>
