import * as z from 'zod/mini'
import { NotificationParams, RequestId } from '../jsonrpc/jsonrpc.ts'
import { openObject } from '../zod/open-object.ts'

/** Params of `notifications/cancelled`: the result of a request is no longer wanted. */
export const CancelledNotificationParams = openObject({
  ...NotificationParams.shape,
  /** A request of the notification's sender. Required up to 2025-06-18; 2025-11-25 leaves it out only for tasks. */
  requestId: z.optional(RequestId),
  /** For a log or for people. */
  reason: z.optional(z.string()),
})
export type CancelledNotificationParams = z.infer<typeof CancelledNotificationParams>
