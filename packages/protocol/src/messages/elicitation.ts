import * as z from 'zod/mini'
import { Url } from '../zod/number-schemas.ts'
import { dropped } from '../zod/ignored.ts'
import { NotificationParams, RequestParams, Result } from '../jsonrpc/jsonrpc.ts'
import { mapOf, openObject } from '../zod/open-object.ts'
import { PrimitiveSchemaDefinition } from './primitive-schemas.ts'

/** Params of `elicitation/create` in form mode: have the user fill in a form. */
export const ElicitRequestFormParams = openObject({
  ...RequestParams.shape,
  /** Since 2025-11-25; its absence means form mode. */
  mode: z.optional(z.literal('form')),
  /** Tells the user what is wanted and why. */
  message: z.string(),
  /** The fields of the form. Never ask for a secret in a form. */
  requestedSchema: openObject({
    $schema: z.optional(z.string()),
    type: z.literal('object'),
    properties: mapOf(PrimitiveSchemaDefinition),
    required: z.optional(z.array(z.string())),
  }),
})
export type ElicitRequestFormParams = z.infer<typeof ElicitRequestFormParams>

/** Params of `elicitation/create` in URL mode: have the user visit a page. Since 2025-11-25. */
export const ElicitRequestURLParams = openObject({
  ...RequestParams.shape,
  mode: z.literal('url'),
  /** Tells the user what is wanted and why. */
  message: z.string(),
  /** Unique within the server; `notifications/elicitation/complete` names it. Only in 2025-11-25, which requires it. */
  elicitationId: z.optional(z.string()),
  /** Shown to the user whole, and opened only when they agree. */
  url: Url,
})
export type ElicitRequestURLParams = z.infer<typeof ElicitRequestURLParams>

/** Params of `elicitation/create`. */
export const ElicitRequestParams = z.union([ElicitRequestFormParams, ElicitRequestURLParams])
export type ElicitRequestParams = z.infer<typeof ElicitRequestParams>

/** Result of `elicitation/create`. */
export const ElicitResult = openObject({
  ...Result.shape,
  /** The user agreed, refused, or chose neither. */
  action: z.literal(['accept', 'decline', 'cancel']),
  /** What the form was filled in with, when it was accepted. Lists of strings since 2025-11-25. */
  content: z.optional(
    z.union([
      mapOf(z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])),
      // Some clients say null when the user declines.
      dropped(z.literal(null)),
    ]),
  ),
})
export type ElicitResult = z.infer<typeof ElicitResult>

/** Params of `notifications/elicitation/complete`: the user is done with the page. Only in 2025-11-25. */
export const ElicitationCompleteNotificationParams = openObject({
  ...NotificationParams.shape,
  elicitationId: z.string(),
})
export type ElicitationCompleteNotificationParams = z.infer<typeof ElicitationCompleteNotificationParams>

/** `data` of an error whose code is `urlElicitationRequired`. Only in 2025-11-25. */
export const URLElicitationRequiredErrorData = openObject({
  /** What the user has to complete before the request is tried again. */
  elicitations: z.array(ElicitRequestURLParams),
})
export type URLElicitationRequiredErrorData = z.infer<typeof URLElicitationRequiredErrorData>
