import * as z from 'zod/mini'
import { NotificationParams, RequestParams } from '../jsonrpc/jsonrpc.ts'
import { openObject } from '../zod/open-object.ts'

/** How severe a log message can be, by the names of RFC 5424, from the least to the most. */
export const loggingLevels = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
] as const

/** How severe a log message is: one of {@link loggingLevels}. */
export const LoggingLevel = z.literal(loggingLevels)
export type LoggingLevel = z.infer<typeof LoggingLevel>

/** True when `level` is `least` or more severe. */
export function isAtLeast(level: LoggingLevel, least: LoggingLevel): boolean {
  return loggingLevels.indexOf(level) >= loggingLevels.indexOf(least)
}

/** Params of `logging/setLevel`: send messages of this level and above. */
export const SetLevelRequestParams = openObject({ ...RequestParams.shape, level: LoggingLevel })
export type SetLevelRequestParams = z.infer<typeof SetLevelRequestParams>

/** Params of `notifications/message`: something a server logged. */
export const LoggingMessageNotificationParams = openObject({
  ...NotificationParams.shape,
  level: LoggingLevel,
  /** Which part of the server it comes from. */
  logger: z.optional(z.string()),
  /** A string, or any other JSON value. */
  data: z.unknown(),
})
export type LoggingMessageNotificationParams = z.infer<typeof LoggingMessageNotificationParams>
