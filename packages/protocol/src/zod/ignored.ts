import * as z from 'zod/mini'

/** Accepts the values of the schema and replaces them with undefined: for values that are allowed and not used. */
// @__NO_SIDE_EFFECTS__
export function ignored(schema: z.ZodMiniType): z.ZodMiniType<undefined> {
  return schema.check(z.overwrite(() => undefined)) as z.ZodMiniType<undefined>
}
