import * as z from 'zod/mini'
import { listOf } from '../zod/collections.ts'
import { ClientCapabilities } from './lifecycle.ts'
import { openObject } from '../zod/open-object.ts'

/** `data` of an error whose code is `unsupportedProtocolVersion`. Since 2026-07-28. */
export const UnsupportedProtocolVersionErrorData = openObject({
  /** The revisions of the server. Choose one and send the request again. */
  supported: listOf(z.string()),
  /** The revision of the request. */
  requested: z.string(),
})
export type UnsupportedProtocolVersionErrorData = z.infer<typeof UnsupportedProtocolVersionErrorData>

/** `data` of an error whose code is `missingRequiredClientCapability`. Since 2026-07-28. */
export const MissingRequiredClientCapabilityErrorData = openObject({
  /** The capabilities that the request needs and the client has not declared. */
  requiredCapabilities: ClientCapabilities,
})
export type MissingRequiredClientCapabilityErrorData = z.infer<
  typeof MissingRequiredClientCapabilityErrorData
>
