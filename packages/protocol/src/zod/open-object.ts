import * as z from 'zod/mini'

/**
 * Makes an object schema for an open protocol: unknown fields pass through, and the type has only the known fields. So
 * a misspelt field in a literal is a type error, and the fields of a newer peer survive.
 */
// @__NO_SIDE_EFFECTS__
export function openObject<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.looseObject(shape) as unknown as ReturnType<typeof z.object<Shape>>
}

/** Any JSON object or array: the type `object` in the schema.ts of the specification. */
export const AnyObject = z.custom<object>((value) => typeof value === 'object' && value !== null)
