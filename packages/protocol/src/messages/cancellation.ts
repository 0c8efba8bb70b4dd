import * as z from 'zod/mini'
import { NotificationParams, RequestId } from '../jsonrpc/jsonrpc.ts'
import { openObject } from '../zod/open-object.ts'

/** Params of `notifications/cancelled`: the sender does not need the result of its request any more. */
export const CancelledNotificationParams = openObject({
  ...NotificationParams.shape,
  /** The id of the request. Required up to 2025-06-18; since 2025-11-25 it is absent only for tasks. */
  requestId: z.optional(RequestId),
  /** For logs, or to show to the user. */
  reason: z.optional(z.string()),
})
export type CancelledNotificationParams = z.infer<typeof CancelledNotificationParams>
