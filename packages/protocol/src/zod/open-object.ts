import * as z from 'zod/mini'

/**
 * An object schema for an open protocol: fields it does not know pass through, while its type names only the fields
 * it does. So a literal with a misspelt field is a type error, and a newer peer's fields survive.
 */
// @__NO_SIDE_EFFECTS__
export function openObject<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.looseObject(shape) as unknown as ReturnType<typeof z.object<Shape>>
}

/** An object schema for values of one kind under any keys. Far smaller in a bundle than zod's own record. */
// @__NO_SIDE_EFFECTS__
export function mapOf<Value extends z.core.SomeType>(value: Value) {
  return z.catchall(z.object({}), value)
}

/** Any JSON object. Arrays too, as `object` says in the specification's schema.ts. */
export const AnyObject = z.custom<object>((value) => typeof value === 'object' && value !== null)
