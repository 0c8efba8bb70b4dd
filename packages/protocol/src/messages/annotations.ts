import * as z from 'zod/mini'
import { listOf } from '../zod/collections.ts'
import { Fraction } from '../zod/number-schemas.ts'
import { openObject } from '../zod/open-object.ts'

/** The author or the receiver of a message. */
export const Role = z.literal(['user', 'assistant'])
export type Role = z.infer<typeof Role>

/** Hints to the client about the use or display of content. */
export const Annotations = openObject({
  audience: z.optional(listOf(Role)),
  /** From 0, entirely optional, to 1, effectively required. */
  priority: z.optional(Fraction),
  /** The time of the last change, as an ISO 8601 string. Since 2025-06-18. */
  lastModified: z.optional(z.string()),
})
export type Annotations = z.infer<typeof Annotations>
