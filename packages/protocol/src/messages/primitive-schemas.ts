import * as z from 'zod/mini'
import { listOf } from '../zod/collections.ts'
import { openObject } from '../zod/open-object.ts'

const common = { title: z.optional(z.string()), description: z.optional(z.string()) }

/** A text field of an elicitation form. */
export const StringSchema = openObject({
  ...common,
  type: z.literal('string'),
  minLength: z.optional(z.number()),
  maxLength: z.optional(z.number()),
  format: z.optional(z.literal(['email', 'uri', 'date', 'date-time'])),
  /** Since 2025-11-25. */
  default: z.optional(z.string()),
})
export type StringSchema = z.infer<typeof StringSchema>

/** A number field. */
export const NumberSchema = openObject({
  ...common,
  type: z.literal(['number', 'integer']),
  minimum: z.optional(z.number()),
  maximum: z.optional(z.number()),
  /** Since 2025-11-25. */
  default: z.optional(z.number()),
})
export type NumberSchema = z.infer<typeof NumberSchema>

/** A check box. */
export const BooleanSchema = openObject({
  ...common,
  type: z.literal('boolean'),
  default: z.optional(z.boolean()),
})
export type BooleanSchema = z.infer<typeof BooleanSchema>

const choice = listOf(openObject({ const: z.string(), title: z.string() }))

/** One of several values. */
export const UntitledSingleSelectEnumSchema = openObject({
  ...common,
  type: z.literal('string'),
  enum: listOf(z.string()),
  default: z.optional(z.string()),
})
export type UntitledSingleSelectEnumSchema = z.infer<typeof UntitledSingleSelectEnumSchema>

/** One of several values, each with a title. Since 2025-11-25. */
export const TitledSingleSelectEnumSchema = openObject({
  ...common,
  type: z.literal('string'),
  oneOf: choice,
  default: z.optional(z.string()),
})
export type TitledSingleSelectEnumSchema = z.infer<typeof TitledSingleSelectEnumSchema>

/** One of several values, with or without titles. */
export const SingleSelectEnumSchema = z.union([UntitledSingleSelectEnumSchema, TitledSingleSelectEnumSchema])
export type SingleSelectEnumSchema = z.infer<typeof SingleSelectEnumSchema>

const many = {
  ...common,
  type: z.literal('array'),
  /** The minimum number of values to choose. */
  minItems: z.optional(z.number()),
  /** The maximum number of values to choose. */
  maxItems: z.optional(z.number()),
  default: z.optional(listOf(z.string())),
}

/** Any of several values. Since 2025-11-25. */
export const UntitledMultiSelectEnumSchema = openObject({
  ...many,
  items: openObject({ type: z.literal('string'), enum: listOf(z.string()) }),
})
export type UntitledMultiSelectEnumSchema = z.infer<typeof UntitledMultiSelectEnumSchema>

/** Any of several values, each with a title. Since 2025-11-25. */
export const TitledMultiSelectEnumSchema = openObject({ ...many, items: openObject({ anyOf: choice }) })
export type TitledMultiSelectEnumSchema = z.infer<typeof TitledMultiSelectEnumSchema>

/** Any of several values, with or without titles. Since 2025-11-25. */
export const MultiSelectEnumSchema = z.union([UntitledMultiSelectEnumSchema, TitledMultiSelectEnumSchema])
export type MultiSelectEnumSchema = z.infer<typeof MultiSelectEnumSchema>

/**
 * One of several values, with the titles in a separate list: the `EnumSchema` of 2025-06-18.
 *
 * @deprecated Use {@link TitledSingleSelectEnumSchema} with a client of 2025-11-25.
 */
export const LegacyTitledEnumSchema = openObject({
  ...UntitledSingleSelectEnumSchema.shape,
  enumNames: z.optional(listOf(z.string())),
})
export type LegacyTitledEnumSchema = z.infer<typeof LegacyTitledEnumSchema>

/** A choice. */
export const EnumSchema = z.union([LegacyTitledEnumSchema, SingleSelectEnumSchema, MultiSelectEnumSchema])
export type EnumSchema = z.infer<typeof EnumSchema>

/** A field of an elicitation form. */
export const PrimitiveSchemaDefinition = z.union([EnumSchema, BooleanSchema, StringSchema, NumberSchema])
export type PrimitiveSchemaDefinition = z.infer<typeof PrimitiveSchemaDefinition>
