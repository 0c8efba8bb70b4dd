import * as z from 'zod/mini'
import { $constructor } from 'zod/v4/core'

// Lists and maps can be of any length, and those of zod gather the problems of all their members: for a list of a million
// wrong ones that takes seconds and a gigabyte. These stop at the first.

const ArrayType: z.core.$constructor<z.ZodMiniArray> = z.ZodMiniArray
const ObjectType: z.core.$constructor<z.ZodMiniObject> = z.ZodMiniObject

/** Checks one member. Returns what it becomes; a problem is added to those of the whole. */
function member(
  schema: z.core.SomeType,
  value: unknown,
  key: PropertyKey,
  { issues }: z.core.ParsePayload,
  context: z.core.ParseContextInternal,
): unknown {
  const result = schema._zod.run({ value, issues: [] }, context) as z.core.ParsePayload
  for (const issue of result.issues) issues.push(Object.assign(issue, { path: [key, ...(issue.path ?? [])] }))
  return result.value
}

const List = /* @__PURE__ */ $constructor<z.ZodMiniArray, z.core.$ZodArrayDef>('List', (list, def) => {
  ArrayType.init(list, def)
  list._zod.parse = (payload, context) => {
    const input: unknown = payload.value
    if (!Array.isArray(input)) {
      payload.issues.push({ code: 'invalid_type', expected: 'array', input, inst: list })
      return payload
    }
    const output: unknown[] = []
    for (let i = 0; i < input.length && payload.issues.length === 0; i++) {
      output.push(member(def.element, input[i], i, payload, context))
    }
    payload.value = output
    return payload
  }
})

/** Makes a schema for a list. It stops at the first wrong member. */
// @__NO_SIDE_EFFECTS__
export function listOf<Element extends z.core.SomeType>(element: Element) {
  return new List({ type: 'array', element: element as never }) as unknown as z.ZodMiniArray<Element>
}

const AnyKeys = /* @__PURE__ */ $constructor<z.ZodMiniObject, z.core.$ZodObjectDef>('AnyKeys', (map, def) => {
  ObjectType.init(map, def)
  map._zod.parse = (payload, context) => {
    const input: unknown = payload.value
    if (typeof input !== 'object' || input === null || Array.isArray(input)) {
      payload.issues.push({ code: 'invalid_type', expected: 'object', input, inst: map })
      return payload
    }
    const output: Record<string, unknown> = {}
    for (const key of Object.keys(input)) {
      // To assign it would replace the prototype.
      if (key === '__proto__') continue
      output[key] = member(def.catchall!, input[key as keyof typeof input], key, payload, context)
      if (payload.issues.length > 0) break
    }
    payload.value = output
    return payload
  }
})

/** Makes an object schema for values of one type under any keys. It stops at the first wrong value. */
// @__NO_SIDE_EFFECTS__
export function mapOf<Value extends z.core.SomeType>(value: Value) {
  return new AnyKeys({ type: 'object', shape: {}, catchall: value as never }) as unknown as z.ZodMiniObject<
    Record<never, never>,
    z.core.$catchall<Value>
  >
}
