import * as z from 'zod/mini'
import { listOf, mapOf } from '../zod/collections.ts'
import { Url } from '../zod/number-schemas.ts'
import { NotificationParams, RequestParams, Result } from '../jsonrpc/jsonrpc.ts'
import { openObject } from '../zod/open-object.ts'
import { PrimitiveSchemaDefinition } from './primitive-schemas.ts'

/** Params of `elicitation/create` in form mode: asks the user to fill in a form. */
export const ElicitRequestFormParams = openObject({
  ...RequestParams.shape,
  /** Since 2025-11-25. Absent means form mode. */
  mode: z.optional(z.literal('form')),
  /** Explains the request to the user. */
  message: z.string(),
  /** The fields of the form. Do not ask for secrets in a form. */
  requestedSchema: openObject({
    $schema: z.optional(z.string()),
    type: z.literal('object'),
    properties: mapOf(PrimitiveSchemaDefinition),
    required: z.optional(listOf(z.string())),
  }),
})
export type ElicitRequestFormParams = z.infer<typeof ElicitRequestFormParams>

/** Params of `elicitation/create` in URL mode: asks the user to visit a page. Since 2025-11-25. */
export const ElicitRequestURLParams = openObject({
  ...RequestParams.shape,
  mode: z.literal('url'),
  /** Explains the request to the user. */
  message: z.string(),
  /**
   * Unique within the server. `notifications/elicitation/complete` has it. Required in 2025-11-25, the only revision
   * with it.
   */
  elicitationId: z.optional(z.string()),
  /** The client shows the whole URL to the user, and opens it only with the user's consent. */
  url: Url,
})
export type ElicitRequestURLParams = z.infer<typeof ElicitRequestURLParams>

/** Params of `elicitation/create`. */
export const ElicitRequestParams = z.union([ElicitRequestFormParams, ElicitRequestURLParams])
export type ElicitRequestParams = z.infer<typeof ElicitRequestParams>

/** Result of `elicitation/create`. */
export const ElicitResult = openObject({
  ...Result.shape,
  /** `accept`: the user agreed. `decline`: the user refused. `cancel`: the user chose neither. */
  action: z.literal(['accept', 'decline', 'cancel']),
  /** The values of an accepted form. Lists of strings since 2025-11-25. */
  content: z.optional(mapOf(z.union([z.string(), z.number(), z.boolean(), listOf(z.string())]))),
})
export type ElicitResult = z.infer<typeof ElicitResult>

/** Params of `notifications/elicitation/complete`: the user has finished with the page. Only in 2025-11-25. */
export const ElicitationCompleteNotificationParams = openObject({
  ...NotificationParams.shape,
  elicitationId: z.string(),
})
export type ElicitationCompleteNotificationParams = z.infer<typeof ElicitationCompleteNotificationParams>

/** `data` of an error whose code is `urlElicitationRequired`. Only in 2025-11-25. */
export const URLElicitationRequiredErrorData = openObject({
  /** The elicitations that the user has to complete before the request is sent again. */
  elicitations: listOf(ElicitRequestURLParams),
})
export type URLElicitationRequiredErrorData = z.infer<typeof URLElicitationRequiredErrorData>
