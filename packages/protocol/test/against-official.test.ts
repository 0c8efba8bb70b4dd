import * as core from '@modelcontextprotocol/core'
import * as sdk from '@modelcontextprotocol/sdk/types.js'
import * as fc from 'fast-check'
import * as z from 'zod/mini'
import * as ours from '../src/index.ts'
import { arbitraryOf, mutantsOf, mutated, type Schema } from './arbitrary.ts'
import { differences, type Difference } from './differences.ts'

const official: Record<'sdk' | 'core', Record<string, unknown>> = { sdk, core }
type Official = keyof typeof official
const packages = Object.keys(official) as Official[]

// What cannot be found by adding `Schema` to our name.
const otherNames: Record<string, string> = {
  // With the fields of 2025-11-25; the one without them is for clients without tools.
  CreateMessageResult: 'CreateMessageResultWithToolsSchema',
  SubscriptionsListenResultMetaObject: 'SubscriptionsListenResultMetaSchema',
  // Theirs is the whole response; ours is its `error`.
  JSONRPCError: 'none',
}

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && '_zod' in value

const schemasOf = (module: Record<string, unknown>) =>
  Object.entries(module).filter((entry): entry is [string, Schema] => isSchema(entry[1]))

/** The method of an official schema of a request or a notification. */
function methodOf(schema: Schema): string | undefined {
  const { def } = (schema as z.core.$ZodTypes)._zod
  if (def.type !== 'object') return undefined
  const method = def.shape['method'] as z.core.$ZodTypes | undefined
  return method?._zod.def.type === 'literal' ? String(method._zod.def.values[0]) : undefined
}

const isJsonRpc = z.custom((value) => {
  const fields = Object(value) as object
  if (!('method' in fields)) {
    const response = 'result' in fields ? ours.JSONRPCResultResponse : ours.JSONRPCErrorResponse
    return z.safeParse(response, value).success
  }
  return z.safeParse('id' in fields ? ours.JSONRPCRequest : ours.JSONRPCNotification, value).success
})

/** Our schemas and theirs of the same things, by the name of the type or the method. */
function pairsOf(name: Official): Map<string, [ours: Schema, theirs: Schema]> {
  const theirs = official[name]
  const pairs = new Map<string, [Schema, Schema]>()
  for (const [type, schema] of schemasOf(ours)) {
    const other = theirs[otherNames[type] ?? `${type}Schema`]
    if (isSchema(other)) pairs.set(type, [schema, other])
  }
  for (const [, schema] of schemasOf(theirs)) {
    const method = methodOf(schema)
    if (method === undefined || !ours.isMethod(method)) continue
    const { params } = ours.methods[method]
    pairs.set(method, [z.looseObject({ method: z.literal(method), params }), schema])
  }
  pairs.set('JSONRPCMessage', [isJsonRpc, theirs['JSONRPCMessageSchema'] as Schema])
  return pairs
}

const pairs = { sdk: pairsOf('sdk'), core: pairsOf('core') }

/** True when every fault is one of the differences. In a union one option without another fault is enough. */
function explained(
  faults: readonly z.core.$ZodIssue[],
  by: readonly Difference[],
  path: PropertyKey[],
): boolean {
  return faults.every((fault) => {
    const at = [...path, ...fault.path]
    if (by.some((each) => each.at.test(at.join('.')) && (each.fault ?? fault.code) === fault.code))
      return true
    return fault.code === 'invalid_union' && fault.errors.some((option) => explained(option, by, at))
  })
}

/** Why the two schemas differ on a value: the refusing side's faults. Nothing when they agree. */
function disagreement([our, their]: [Schema, Schema], value: unknown) {
  const mine = z.safeParse(our, value)
  const others = z.safeParse(their, value)
  if (mine.success === others.success) return undefined
  const { issues } = (mine.error ?? others.error)!
  return { refusedBy: mine.success ? ('theirs' as const) : ('ours' as const), issues }
}

const seed = 20251125

for (const name of packages) {
  for (const [type, pair] of pairs[name]) {
    const known = differences.filter(({ official }) => official.includes(name))
    const valid = fc.oneof(...pair.map((schema) => arbitraryOf(schema)))

    const compare = (value: unknown) => {
      const found = disagreement(pair, value)
      if (!found) return
      const by = known.filter(({ refusedBy }) => refusedBy === found.refusedBy)
      if (explained(found.issues, by, [type])) return
      const faults = JSON.stringify(found.issues, null, 1)
      throw new Error(`Refused by ${found.refusedBy} alone: ${JSON.stringify(value)}\n${faults}`)
    }

    test(`${type}: what ours accepts ${name} accepts, and the other way round, but for the differences listed`, () => {
      fc.assert(fc.property(fc.oneof(valid, mutated(valid)), compare), { numRuns: 100, seed })
      for (const value of fc.sample(valid, { numRuns: 8, seed })) mutantsOf(value).forEach(compare)
    })
  }
}

test.each(differences)('a difference that is listed exists: $what', (difference) => {
  const [type, value] = difference.example
  for (const name of packages) {
    const pair = pairs[name].get(type)
    const found = pair && disagreement(pair, value)
    if (!difference.official.includes(name)) expect(found).toBeUndefined()
    else {
      expect(found?.refusedBy).toBe(difference.refusedBy)
      expect(explained(found!.issues, [difference], [type])).toBe(true)
    }
  }
})

// What the official packages have schemas for and we do not, and why.
const leftOut = [
  [/Task|^ToolExecution/, 'tasks are experimental'],
  [
    /^(Client|Server)(Request|Notification|Result)Schema$/,
    'a union of all messages one way: the table of methods',
  ],
  [
    /^(Request|Notification|PaginatedRequest|NotificationsParams|BaseRequestParams|RequestMeta|Progress)Schema$/,
    'a part of others',
  ],
  [/^JSONRPC(Response|Error)Schema$/, 'a union, or an alias'],
  [
    /^(ResourceReference|SamplingContent|CompatibilityCallToolResult|CreateMessageResult)Schema$/,
    'of older revisions',
  ],
  [/^ListChangedOptionsBaseSchema$/, 'an option of theirs, no message'],
  [/^JSON(Value|Object|Array)Schema$/, 'any JSON'],
  [/^(OAuth|OpenId|IdJag)/, 'authorization is no message'],
] as const

test('whatever the official packages have a schema for is here, but for what is left out', () => {
  const missing = packages.flatMap((name) => {
    const theirs = schemasOf(official[name])
    const compared = new Set([...pairs[name].values()].map(([, schema]) => schema))
    return theirs.filter(([, schema]) => !compared.has(schema)).map(([type]) => type)
  })
  expect(missing.filter((type) => !leftOut.some(([pattern]) => pattern.test(type)))).toEqual([])
  expect(leftOut.filter(([pattern]) => !missing.some((type) => pattern.test(type)))).toEqual([])
})

test('whatever is here is compared, but for what the official packages have no schema of', () => {
  const compared = new Set(packages.flatMap((name) => [...pairs[name].keys()]))
  const here = [...schemasOf(ours).map(([type]) => type), ...Object.keys(ours.methods)]
  expect(here.filter((type) => !compared.has(type))).toEqual([
    'CacheScope',
    'CacheableResult',
    'InputRequest',
    'InputRequests',
    'InputRequiredResult',
    'InputResponseRequestParams',
    'InputResponses',
    'JSONRPCError',
    'Meta',
    'MissingRequiredClientCapabilityErrorData',
    'ModernRequestMeta',
    'NotificationMetaObject',
    'NotificationParams',
    'RequestParams',
    'URLElicitationRequiredErrorData',
    'UnsupportedProtocolVersionErrorData',
  ])
})
