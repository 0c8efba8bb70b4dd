import * as z from 'zod/mini'
import { listOf } from '../zod/collections.ts'
import { NotificationParams, RequestId, RequestParams, Result } from '../jsonrpc/jsonrpc.ts'
import { metaKeys, ResultMetaObject } from './meta.ts'
import { openObject } from '../zod/open-object.ts'

/** The changes that a client asks for. An absent field asks for nothing. Since 2026-07-28. */
export const SubscriptionFilter = openObject({
  toolsListChanged: z.optional(z.boolean()),
  promptsListChanged: z.optional(z.boolean()),
  resourcesListChanged: z.optional(z.boolean()),
  /** The URIs of the resources whose changes the client asks for. */
  resourceSubscriptions: z.optional(listOf(z.string())),
})
export type SubscriptionFilter = z.infer<typeof SubscriptionFilter>

/**
 * Params of `subscriptions/listen`: opens a stream of changes. Since 2026-07-28.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions
 */
export const SubscriptionsListenRequestParams = openObject({
  ...RequestParams.shape,
  notifications: SubscriptionFilter,
})
export type SubscriptionsListenRequestParams = z.infer<typeof SubscriptionsListenRequestParams>

/** `_meta` of {@link SubscriptionsListenResult}. */
export const SubscriptionsListenResultMetaObject = openObject({
  ...ResultMetaObject.shape,
  /** The id of the request that opened the stream. */
  [metaKeys.subscriptionId]: RequestId,
})
export type SubscriptionsListenResultMetaObject = z.infer<typeof SubscriptionsListenResultMetaObject>

/** Result of `subscriptions/listen`: the server has ended the stream normally. Since 2026-07-28. */
export const SubscriptionsListenResult = openObject({
  ...Result.shape,
  _meta: SubscriptionsListenResultMetaObject,
})
export type SubscriptionsListenResult = z.infer<typeof SubscriptionsListenResult>

/** Params of `notifications/subscriptions/acknowledged`, the first message of the stream. Since 2026-07-28. */
export const SubscriptionsAcknowledgedNotificationParams = openObject({
  ...NotificationParams.shape,
  /** The changes that the server will send: the part of the request that it supports. */
  notifications: SubscriptionFilter,
})
export type SubscriptionsAcknowledgedNotificationParams = z.infer<
  typeof SubscriptionsAcknowledgedNotificationParams
>
