import * as z from 'zod/mini'
import { NotificationParams, ProgressToken } from '../jsonrpc/jsonrpc.ts'
import { openObject } from '../zod/open-object.ts'

/** Params of `notifications/progress`. */
export const ProgressNotificationParams = openObject({
  ...NotificationParams.shape,
  /** The token from the `_meta` of the request that is making progress. */
  progressToken: ProgressToken,
  /** Grows with each notification, whether or not the total is known. */
  progress: z.number(),
  /** What `progress` will have reached when it is done, if known. */
  total: z.optional(z.number()),
  /** For people. Since 2025-03-26. */
  message: z.optional(z.string()),
})
export type ProgressNotificationParams = z.infer<typeof ProgressNotificationParams>
