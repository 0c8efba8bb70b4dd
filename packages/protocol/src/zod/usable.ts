import * as z from 'zod/mini'
import { cut, inWords, placed, reasonOf } from './error-text.ts'
import type { TaggedUnionDef } from './tagged-union.ts'

type Schema = z.core.SomeType
type Fields = Record<string, unknown>

/** The parts of one message that may be left out. A message with more is refused. */
const maxLeftOut = 100
/** The parts left out that are named. */
const maxNamed = 10

/** Why nothing of a value can be used, and where in it. */
class Unusable {
  readonly path: PropertyKey[]
  readonly #reason: string

  constructor(path: PropertyKey[], reason: string) {
    this.path = path
    this.#reason = reason
  }

  toString(): string {
    return placed(this.path, this.#reason)
  }
}

const fallbacks = new WeakMap<object, unknown>()

/** Gives a schema a value that stands for one it refuses, where parts of a message may be left out. */
// @__NO_SIDE_EFFECTS__
export function withFallback<Type extends z.ZodMiniType>(schema: Type, value: z.output<Type>): Type {
  fallbacks.set(schema, value)
  return schema
}

/**
 * Returns what can be used of a value that the schema refuses. `null` is as good as absent, and `[]` as an empty object:
 * some languages write them so.
 *
 * @param onLeftOut allows to leave out more: fields that need not be there and members of lists, when they are wrong. It is
 * called with what was left out, in words. An object whose type is not known stays as it is then.
 * @throws {Error} with the first thing that is wrong and cannot be left out.
 */
export function usablePartOf<Type extends z.ZodMiniType>(
  schema: Type,
  value: unknown,
  onLeftOut?: (parts: readonly string[]) => void,
): z.output<Type> {
  const reader = new Reader(onLeftOut !== undefined)
  const usable = reader.read(schema, value)
  if (usable instanceof Unusable) throw new Error(cut(String(usable)))
  const { leftOut } = reader
  if (leftOut.length > 0) onLeftOut!(leftOut)
  return usable as z.output<Type>
}

class Reader {
  readonly #leavesOut: boolean
  readonly #path: PropertyKey[] = []
  readonly #named: string[] = []
  #count = 0

  constructor(leavesOut: boolean) {
    this.#leavesOut = leavesOut
  }

  get leftOut(): readonly string[] {
    const more = this.#count - this.#named.length
    return more === 0 ? this.#named : [...this.#named, `and ${more} more`]
  }

  /** What can be used of the value, or why nothing can. */
  read(schema: Schema, value: unknown): unknown {
    const usable = this.#read(schema, value)
    return fallbacks.has(schema) && this.#isLeftOut(usable) ? fallbacks.get(schema) : usable
  }

  #read(schema: Schema, value: unknown): unknown {
    const { def } = (schema as z.core.$ZodTypes)._zod
    // eslint-disable-next-line @typescript-eslint/switch-exhaustiveness-check -- the others have no parts
    switch (def.type) {
      case 'optional': {
        if (value === undefined || (value === null && defOf(def.innerType).type !== 'unknown'))
          return undefined
        const usable = this.read(def.innerType, value)
        return this.#isLeftOut(usable) ? undefined : usable
      }
      case 'default':
        return value == null ? checked(schema, undefined) : this.read(def.innerType, value)
      case 'array':
        return this.#list(def, value, schema)
      case 'object':
        return this.#object(def, value, schema)
      case 'union':
        return 'tag' in def
          ? this.#tagged(def as TaggedUnionDef, value, schema)
          : this.#union(def, value, schema)
      case 'literal': {
        // What can have one value only goes without saying.
        const goesWithoutSaying = value === undefined && this.#leavesOut && def.values.length === 1
        return checked(schema, goesWithoutSaying ? def.values[0] : value)
      }
      default:
        return checked(schema, value)
    }
  }

  #list({ element, checks }: z.core.$ZodArrayDef, value: unknown, schema: Schema): unknown {
    if (!Array.isArray(value)) return value === null ? [] : checked(schema, value)
    const list: unknown[] = []
    for (let i = 0; i < value.length; i++) {
      const usable = this.#part(element, value[i], i, true)
      if (usable instanceof Unusable) return usable
      if (usable !== undefined) list.push(usable)
    }
    return checks ? checked(schema, list) : list
  }

  #object({ shape, catchall, checks }: z.core.$ZodObjectDef, value: unknown, schema: Schema): unknown {
    const isEmpty = value === null || (Array.isArray(value) && value.length === 0)
    if (!isEmpty && !isObject(value)) return checked(schema, value)
    const fields: Fields = isEmpty ? {} : (value as Fields)
    const object: Fields = {}
    for (const key of Object.keys(shape)) {
      const value = Object.hasOwn(fields, key) ? fields[key] : undefined
      const usable = this.#part(shape[key]!, value, key, false)
      if (usable instanceof Unusable) return usable
      if (usable !== undefined) object[key] = usable
      else if (shape[key]!._zod.optin === undefined) return new Unusable([key], 'is missing')
    }
    for (const key of catchall ? Object.keys(fields) : []) {
      if (key === '__proto__' || Object.hasOwn(shape, key)) continue
      const usable = this.#part(catchall!, fields[key], key, true)
      if (usable instanceof Unusable) return usable
      if (usable !== undefined) object[key] = usable
    }
    return checks ? checked(schema, object) : object
  }

  #union({ options }: z.core.$ZodUnionDef, value: unknown, schema: Schema): unknown {
    if (value === null) return checked(schema, value)
    // A field that is null says nothing of which option is meant.
    const said = isObject(value) ? withoutNulls(value, options) : value
    const count = this.#count
    for (const option of options) {
      const usable = this.read(option, said)
      if (!(usable instanceof Unusable)) return usable
      this.#count = count
      this.#named.length = Math.min(count, this.#named.length)
    }
    return checked(schema, said)
  }

  #tagged({ tag, options }: TaggedUnionDef, value: unknown, schema: Schema): unknown {
    const kind = isObject(value) ? value[tag] : undefined
    const option = options.find(({ shape }) => shape[tag]!._zod.values!.has(kind as string))
    if (option !== undefined) return this.read(option, value)
    return typeof kind === 'string' && this.#leavesOut ? value : checked(schema, value)
  }

  /** Reads a part, which may be left out: it is undefined then. */
  #part(schema: Schema, value: unknown, key: PropertyKey, mayBeLeftOut: boolean): unknown {
    this.#path.push(key)
    const usable = this.read(schema, value)
    const isLeftOut = mayBeLeftOut && this.#isLeftOut(usable, value)
    this.#path.pop()
    if (isLeftOut) return undefined
    if (usable instanceof Unusable) usable.path.unshift(key)
    return usable
  }

  /** Leaves out what is unusable, if that is allowed. */
  #isLeftOut(usable: unknown, value?: unknown): boolean {
    if (!(usable instanceof Unusable) || !this.#leavesOut || this.#count >= maxLeftOut) return false
    if (++this.#count <= maxNamed) {
      const { name, uri } = (value ?? {}) as { name?: unknown; uri?: unknown }
      const called = name ?? uri
      const title = typeof called === 'string' ? ` ${JSON.stringify(called.slice(0, 100))}` : ''
      this.#named.push(cut(`${this.#path.join('.')}${title}: ${String(usable)}`))
    }
    return true
  }
}

function checked(schema: Schema, value: unknown): unknown {
  const parsed = z.safeParse(schema as z.core.$ZodType, value, inWords)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  return new Unusable([...issue!.path], reasonOf(issue!))
}

function defOf(schema: Schema): z.core.$ZodTypeDef {
  return (schema as z.core.$ZodTypes)._zod.def
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Without the fields that are null and belong to one of the options. */
function withoutNulls(fields: Fields, options: readonly Schema[]): Fields {
  const known = Object.assign(
    {},
    ...options.map((option) => (option as z.ZodMiniObject)._zod.def.shape),
  ) as Fields
  return Object.fromEntries(
    Object.entries(fields).filter(([key, value]) => value !== null || !Object.hasOwn(known, key)),
  )
}
