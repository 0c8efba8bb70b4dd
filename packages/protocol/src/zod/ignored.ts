import * as z from 'zod/mini'

/** Takes what the schema takes, and makes undefined of it: for what is let pass, though it should not be there. */
// @__NO_SIDE_EFFECTS__
export function dropped(schema: z.ZodMiniType): z.ZodMiniType<undefined> {
  return schema.check(z.overwrite(() => undefined)) as z.ZodMiniType<undefined>
}
