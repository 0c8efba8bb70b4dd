import * as fc from 'fast-check'
import * as z from 'zod/v4/core'
import { McpError, parseParams as parseParamsOnServer, type Method, type OnLeftOut } from '../../src/index.ts'
import { parseModernResult, parseParams, parseResult } from '../../src/client.ts'
import { paramsToClient, resultsToClient } from '../../src/methods/to-client.ts'
import { arbitraryOf, mutated, type Schema } from '../arbitrary.ts'

type Parse = (value: unknown, onLeftOut: OnLeftOut) => unknown

/** Each message that a client checks: its schema, and the check. */
const messages: [name: string, schema: Schema, parse: Parse][] = [
  ...Object.entries(resultsToClient).map(([method, schema]): (typeof messages)[number] => [
    `the result of ${method}`,
    schema,
    (value, onLeftOut) => parseResult(method as keyof typeof resultsToClient, value, onLeftOut),
  ]),
  ...Object.entries(paramsToClient).map(([method, schema]): (typeof messages)[number] => [
    `the params of ${method}`,
    schema,
    (value, onLeftOut) => parseParams(method as keyof typeof paramsToClient, value, onLeftOut),
  ]),
]

const nothingLeftOut: OnLeftOut = (problem, parts) => {
  throw new Error(`${problem}: ${parts.join()}`)
}

/** Two spellings of a value: with `null` and `[]`, and as the specification has it. */
interface Spelled {
  odd: unknown
  plain: unknown
}

/** @param isOdd decides for each field that need not be there, and each empty object, whether it is written the odd way. */
function spell(schema: Schema, value: unknown, isOdd: () => boolean): Spelled {
  const same = { odd: value, plain: value }
  const { def } = (schema as z.$ZodTypes)._zod
  // eslint-disable-next-line @typescript-eslint/switch-exhaustiveness-check -- the others have no parts
  switch (def.type) {
    case 'optional':
    case 'default':
      // To what may be anything, null is a value.
      if (def.innerType._zod.def.type === 'unknown') return same
      if (isOdd()) return { odd: null, plain: undefined }
      return value === undefined ? same : spell(def.innerType, value, isOdd)
    case 'array': {
      const spelled = (value as unknown[]).map((each) => spell(def.element, each, isOdd))
      return { odd: spelled.map(({ odd }) => odd), plain: spelled.map(({ plain }) => plain) }
    }
    case 'union': {
      const option = def.options.find((each) => z.safeParse(each, value).success)
      return option === undefined ? same : spell(option, value, isOdd)
    }
    case 'object': {
      const odd: Record<string, unknown> = {}
      const plain: Record<string, unknown> = {}
      for (const key of new Set([...Object.keys(def.shape), ...Object.keys(value as object)])) {
        if (key === '__proto__') continue
        const own = Object.hasOwn(value as object, key) ? (value as Record<string, unknown>)[key] : undefined
        const spelled = spell(def.shape[key] ?? def.catchall ?? z.$ZodUnknown.prototype, own, isOdd)
        if (spelled.odd !== undefined) odd[key] = spelled.odd
        if (spelled.plain !== undefined) plain[key] = spelled.plain
      }
      return { odd: Object.keys(odd).length === 0 && isOdd() ? [] : odd, plain }
    }
    default:
      return same
  }
}

test.each(messages)('%s: null is as good as absent, and [] as an empty object', (_, schema, parse) => {
  fc.assert(
    fc.property(arbitraryOf(schema), fc.gen(), (value, gen) => {
      const { odd, plain } = spell(schema, value, () => gen(fc.boolean))
      let expected: unknown
      try {
        expected = parse(plain, nothingLeftOut)
      } catch (error) {
        if (!(error instanceof McpError)) throw error
        return // a refinement refuses it
      }
      expect(parse(odd, nothingLeftOut)).toEqual(expected)
    }),
    { numRuns: 300, seed: 20261128 },
  )
})

test.each(messages)('%s: what is given is as its schema has it, whatever was sent', (_, schema, parse) => {
  fc.assert(
    fc.property(mutated(mutated(arbitraryOf(schema))), (value) => {
      let given: unknown
      try {
        given = parse(value, () => {})
      } catch (error) {
        expect(error).toBeInstanceOf(McpError)
        return
      }
      const { error } = z.safeParse(schema, given)
      const wrong = error?.issues.filter(
        ({ code, path }) => code !== 'invalid_value' || path.at(-1) !== 'type',
      )
      expect(wrong ?? []).toEqual([])
    }),
    { numRuns: 300, seed: 20261128 },
  )
})

const tool = (name: string, inputSchema: unknown, more = {}) => ({ name, inputSchema, ...more })
const plainSchema = { type: 'object' }

test.each<[what: string, parse: Parse, value: object, given: object, leftOut: string[]]>([
  [
    'a tool that is none among others',
    (value, onLeftOut) => parseResult('tools/list', value, onLeftOut),
    {
      tools: [
        tool('a', plainSchema),
        null,
        tool('b', { type: 'string' }),
        tool('c', null),
        tool('d', plainSchema),
      ],
    },
    { tools: [tool('a', plainSchema), tool('c', plainSchema), tool('d', plainSchema)] },
    [
      'tools.1: name: expected string, received undefined',
      'tools.2 "b": inputSchema.type: expected "object", received "string"',
    ],
  ],
  [
    'schemas that can be used',
    (value, onLeftOut) => parseResult('tools/list', value, onLeftOut),
    {
      tools: [
        tool('a', {}),
        tool('b', []),
        tool('c', { properties: [], required: null }),
        tool('d', { type: 'object', properties: { x: null, y: true }, required: true }),
      ],
    },
    {
      tools: [
        tool('a', plainSchema),
        tool('b', plainSchema),
        tool('c', { type: 'object', properties: {} }),
        tool('d', { type: 'object', properties: { y: true } }),
      ],
    },
    [
      'tools.3.inputSchema.properties.x: is wrong, or expected boolean, received null',
      'tools.3.inputSchema.required: expected array, received boolean',
    ],
  ],
  [
    'an unknown content type, and content of which nothing can be used',
    (value, onLeftOut) => parseResult('tools/call', value, onLeftOut),
    {
      content: [
        { type: 'video', data: null },
        { type: 'text', text: null },
        { type: 'text', text: 'ok', annotations: { priority: 5, audience: ['user', 'robot'] } },
        { type: 'resource', resource: { uri: 'a:b', text: null, blob: 'eA==', mimeType: null } },
      ],
    },
    {
      content: [
        { type: 'video', data: null },
        { type: 'text', text: 'ok', annotations: { audience: ['user'] } },
        { type: 'resource', resource: { uri: 'a:b', blob: 'eA==' } },
      ],
    },
    [
      'content.1: text: expected string, received null',
      'content.2.annotations.audience.1: expected "user" or "assistant", received "robot"',
      'content.2.annotations.priority: expected a number from 0 to 1, received 5',
    ],
  ],
  [
    'an isError that is no boolean, which is taken for true',
    (value, onLeftOut) => parseResult('tools/call', value, onLeftOut),
    { content: [], isError: 'yes' },
    { content: [], isError: true },
    ['isError: expected boolean, received string'],
  ],
  [
    'a server without a version',
    (value, onLeftOut) => parseResult('initialize', value, onLeftOut),
    { protocolVersion: '2025-11-25', capabilities: null, serverInfo: { name: 'a' }, instructions: 1 },
    { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'a', version: '' } },
    [
      'serverInfo.version: expected string, received undefined',
      'instructions: expected string, received number',
    ],
  ],
  [
    'an empty list that is null',
    (value, onLeftOut) => parseResult('prompts/list', value, onLeftOut),
    { prompts: null, nextCursor: null },
    { prompts: [] },
    [],
  ],
  [
    'a change with an odd _meta',
    (value, onLeftOut) => parseParams('notifications/resources/updated', value, onLeftOut),
    { uri: 'a:b', _meta: 7, title: null },
    { uri: 'a:b', title: null },
    ['_meta: expected object, received number'],
  ],
])('of a message the rest is taken: %s', (_, parse, value, given, leftOut) => {
  const parts: string[] = []
  expect(parse(value, (_problem, left) => parts.push(...left))).toEqual(given)
  expect(parts.sort()).toEqual(leftOut.sort())
})

test('a request of the server is taken as it was meant, or not at all', () => {
  const sample = { messages: [{ role: 'user', content: { type: 'text', text: 'a' } }], maxTokens: 1 }
  expect(
    parseParams('sampling/createMessage', { ...sample, tools: null, metadata: null, _meta: [] }),
  ).toEqual({
    ...sample,
    _meta: {},
  })
  const wrong = { ...sample, messages: [...sample.messages, { role: 'user', content: null }] }
  expect(() => parseParams('sampling/createMessage', wrong)).toThrow('messages.1.content: ')
  const required = { resultType: 'input_required', inputRequests: { a: { method: 'ping' } } }
  expect(() => parseModernResult('tools/call', required, nothingLeftOut)).toThrow('inputRequests.a.method: ')
})

test('what is left out is named up to a number, and past another the message is refused', () => {
  const bad = Array.from({ length: 100 }, (_, i) => ({ name: `t${i}`, description: 'd'.repeat(10_000) }))
  let parts: readonly string[] = []
  const list = (tools: unknown[]) => parseResult('tools/list', { tools }, (_, left) => (parts = left))
  expect(list([...bad, tool('a', plainSchema)]).tools).toEqual([tool('a', plainSchema)])
  expect(parts).toHaveLength(11)
  expect(parts[10]).toBe('and 90 more')
  expect(() => list([...bad, 0])).toThrow(
    'Invalid result of tools/list: tools.100: expected object, received number',
  )
})

const zeros = new Array<number>(1_000_000).fill(0)
const zeroMap = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`k${i}`, 0]))
const clientInfo = { name: 'a', version: '1', icons: zeros }

test.each<[Method, object]>([
  ['subscriptions/listen', { notifications: { resourceSubscriptions: zeros } }],
  ['initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }],
  ['initialize', { protocolVersion: '2025-11-25', capabilities: { extensions: zeroMap }, clientInfo: {} }],
  ['tools/call', { name: 'a', inputResponses: zeroMap }],
  ['prompts/get', { name: 'a', arguments: zeroMap }],
  ['sampling/createMessage', { messages: zeros, maxTokens: 1 }],
  ['sampling/createMessage', { messages: [{ role: 'user', content: zeros }], maxTokens: 1 }],
])('%s with very many wrong parts is refused at once', (method, params) => {
  const began = performance.now()
  expect(() => parseParamsOnServer(method, params)).toThrow(McpError)
  expect(performance.now() - began).toBeLessThan(500)
})

test.each<[keyof typeof resultsToClient, object]>([
  ['tools/list', { tools: zeros }],
  ['tools/list', { tools: [tool('a', { type: 'object', required: zeros })] }],
  ['tools/call', { content: zeros }],
  ['resources/list', { resources: zeros }],
  ['resources/read', { contents: zeros }],
  ['prompts/get', { messages: zeros }],
  ['completion/complete', { completion: { values: zeros } }],
  ['server/discover', { supportedVersions: zeros, capabilities: {} }],
])('a result of %s with a million wrong parts is read at once', (method, result) => {
  const began = performance.now()
  try {
    parseResult(method, result, () => {})
  } catch (error) {
    expect(error).toBeInstanceOf(McpError)
  }
  expect(performance.now() - began).toBeLessThan(500)
})
