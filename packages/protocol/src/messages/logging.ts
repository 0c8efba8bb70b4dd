import * as z from 'zod/mini'
import { NotificationParams, RequestParams } from '../jsonrpc/jsonrpc.ts'
import { openObject } from '../zod/open-object.ts'

/** The severities of log messages, with the names of RFC 5424, from the lowest to the highest. */
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

/** The severity of a log message: one of {@link loggingLevels}. */
export const LoggingLevel = z.literal(loggingLevels)
export type LoggingLevel = z.infer<typeof LoggingLevel>

/** True when `level` is `least` or more severe. */
export function isAtLeast(level: LoggingLevel, least: LoggingLevel): boolean {
  return loggingLevels.indexOf(level) >= loggingLevels.indexOf(least)
}

/** Params of `logging/setLevel`: asks for log messages of this level and above. */
export const SetLevelRequestParams = openObject({ ...RequestParams.shape, level: LoggingLevel })
export type SetLevelRequestParams = z.infer<typeof SetLevelRequestParams>

/** Params of `notifications/message`: a log message of the server. */
export const LoggingMessageNotificationParams = openObject({
  ...NotificationParams.shape,
  level: LoggingLevel,
  /** The part of the server that logged it. */
  logger: z.optional(z.string()),
  /** A string, or any other JSON value. */
  data: z.unknown(),
})
export type LoggingMessageNotificationParams = z.infer<typeof LoggingMessageNotificationParams>
