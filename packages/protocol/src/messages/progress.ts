import * as z from 'zod/mini'
import { NotificationParams, ProgressToken } from '../jsonrpc/jsonrpc.ts'
import { openObject } from '../zod/open-object.ts'

/** Params of `notifications/progress`. */
export const ProgressNotificationParams = openObject({
  ...NotificationParams.shape,
  /** The token from the `_meta` of the request. */
  progressToken: ProgressToken,
  /** The progress so far. It grows with each notification, even when the total is unknown. */
  progress: z.number(),
  /** The value of `progress` at the end, if known. */
  total: z.optional(z.number()),
  /** For people. Since 2025-03-26. */
  message: z.optional(z.string()),
})
export type ProgressNotificationParams = z.infer<typeof ProgressNotificationParams>
