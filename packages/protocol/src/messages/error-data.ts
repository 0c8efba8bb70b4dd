import * as z from 'zod/mini'
import { ClientCapabilities } from './lifecycle.ts'
import { openObject } from '../zod/open-object.ts'

/** `data` of an error whose code is `unsupportedProtocolVersion`. Since 2026-07-28. */
export const UnsupportedProtocolVersionErrorData = openObject({
  /** The revisions the server speaks: choose one, and make the request again. */
  supported: z.array(z.string()),
  /** The one of the request. */
  requested: z.string(),
})
export type UnsupportedProtocolVersionErrorData = z.infer<typeof UnsupportedProtocolVersionErrorData>

/** `data` of an error whose code is `missingRequiredClientCapability`. Since 2026-07-28. */
export const MissingRequiredClientCapabilityErrorData = openObject({
  /** What the client has not declared, and the request needs. */
  requiredCapabilities: ClientCapabilities,
})
export type MissingRequiredClientCapabilityErrorData = z.infer<
  typeof MissingRequiredClientCapabilityErrorData
>
