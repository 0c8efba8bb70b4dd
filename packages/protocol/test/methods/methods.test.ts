import * as fc from 'fast-check'
import {
  errorCodes,
  isMethod,
  isMethodOf,
  McpError,
  methods,
  parseParams,
  parseResult,
  revisions,
  type Direction,
  type Method,
  type MethodEntry,
  type RequestMethod,
  type Revision,
} from '../../src/index.ts'
import { arbitraryOf } from '../arbitrary.ts'

// By revision, what its schema.ts has in ClientRequest, ClientNotification (to the server), ServerRequest and
// ServerNotification (to the client) that the revision before has not. Without tasks, which are experimental.
const added: Record<
  Revision,
  Record<'toServer' | 'toClient', Record<'requests' | 'notifications', string[]>>
> = {
  '2024-11-05': {
    toServer: {
      requests: [
        'ping',
        'initialize',
        'completion/complete',
        'logging/setLevel',
        'prompts/get',
        'prompts/list',
        'resources/list',
        'resources/templates/list',
        'resources/read',
        'resources/subscribe',
        'resources/unsubscribe',
        'tools/call',
        'tools/list',
      ],
      notifications: [
        'notifications/cancelled',
        'notifications/progress',
        'notifications/initialized',
        'notifications/roots/list_changed',
      ],
    },
    toClient: {
      requests: ['ping', 'sampling/createMessage', 'roots/list'],
      notifications: [
        'notifications/cancelled',
        'notifications/progress',
        'notifications/message',
        'notifications/resources/updated',
        'notifications/resources/list_changed',
        'notifications/tools/list_changed',
        'notifications/prompts/list_changed',
      ],
    },
  },
  '2025-03-26': {
    toServer: { requests: [], notifications: [] },
    toClient: { requests: [], notifications: [] },
  },
  '2025-06-18': {
    toServer: { requests: [], notifications: [] },
    toClient: { requests: ['elicitation/create'], notifications: [] },
  },
  '2025-11-25': {
    toServer: { requests: [], notifications: [] },
    toClient: { requests: [], notifications: ['notifications/elicitation/complete'] },
  },
  '2026-07-28': {
    toServer: { requests: ['server/discover', 'subscriptions/listen'], notifications: [] },
    toClient: { requests: [], notifications: ['notifications/subscriptions/acknowledged'] },
  },
}

// What schema.ts of 2026-07-28 has in none of them any more, and that of 2025-11-25 has. Of `notifications/progress`
// it has one direction left: the table says who may send it in any revision.
const removed = [
  'initialize',
  'ping',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
  'sampling/createMessage',
  'roots/list',
  'elicitation/create',
  'notifications/initialized',
  'notifications/roots/list_changed',
  'notifications/elicitation/complete',
]

interface Known {
  kind: string
  since: Revision
  until?: Revision
  direction: Direction
}

function fromTheSpecification(): Record<string, Known> {
  const known: Record<string, Known> = {}
  for (const since of revisions) {
    for (const direction of ['toServer', 'toClient'] as const) {
      for (const kind of ['requests', 'notifications'] as const) {
        for (const method of added[since][direction][kind]) {
          known[method] = { kind, since, direction: known[method] ? 'both' : direction }
        }
      }
    }
  }
  for (const method of removed) known[method]!.until = '2025-11-25'
  return known
}

const allMethods = Object.keys(methods) as Method[]
const allRequests = allMethods.filter((method): method is RequestMethod => 'result' in methods[method])

test('the table has the methods of the specification, no more, with their direction and revisions', () => {
  const table = allMethods.map((method) => {
    const { result, since, until, direction }: MethodEntry = methods[method]
    return [method, { kind: result ? 'requests' : 'notifications', since, until, direction }]
  })
  expect(Object.fromEntries(table)).toEqual(fromTheSpecification())
})

test.each(revisions)(
  'revision %s has the methods that it or one before it adds, but for those removed',
  (revision) => {
    const known = revisions
      .filter((each) => each <= revision)
      .flatMap((each) => Object.values(added[each]).flatMap((one) => Object.values(one).flat()))
      .filter((method) => revision !== '2026-07-28' || !removed.includes(method))
    expect(allMethods.filter((method) => isMethodOf(method, revision)).sort()).toEqual(
      [...new Set(known)].sort(),
    )
    for (const name of ['', 'tools', 'toString', '__proto__', 'tasks/get']) {
      expect(isMethodOf(name, revision)).toBe(false)
    }
  },
)

test('a name is a method only when the table has it itself', () => {
  for (const method of allMethods) expect(isMethod(method)).toBe(true)
  for (const name of ['', 'tools', 'tools/Call', 'toString', '__proto__', 'constructor', 'tasks/get']) {
    expect(isMethod(name)).toBe(false)
  }
})

// Every method whose params may be absent, by the specification's `params?:` up to 2025-11-25, and those that have
// nothing in them but `_meta`: without that no request of 2026-07-28 is complete, but that is checked apart.
const withoutParams: Method[] = [
  'ping',
  'server/discover',
  'tools/list',
  'resources/list',
  'resources/templates/list',
  'prompts/list',
  'roots/list',
  'notifications/initialized',
  'notifications/roots/list_changed',
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/resources/list_changed',
]

test.each(allMethods)('params of %s may be left out only where the specification says so', (method) => {
  if (withoutParams.includes(method)) expect(parseParams(method, undefined)).toBeUndefined()
  else expect(() => parseParams(method, undefined)).toThrow(`Invalid params of ${method}: expected`)
})

/** A copy without any key named __proto__: those are dropped wherever an object is checked. */
function withoutProto(value: unknown): unknown {
  return value === undefined
    ? undefined
    : JSON.parse(JSON.stringify(value), (key, child: unknown) => (key === '__proto__' ? undefined : child))
}

const runs = { numRuns: 100, seed: 20251125 }

test.each(allMethods)('params of %s come back as they were, unknown fields and all', (method) => {
  fc.assert(
    fc.property(arbitraryOf(methods[method].params), (value) => {
      expect(withoutProto(parseParams(method, value))).toEqual(withoutProto(value))
    }),
    runs,
  )
})

test.each(allRequests)('a result of %s comes back as it was, unknown fields and all', (method) => {
  fc.assert(
    fc.property(arbitraryOf(methods[method].result), (value) => {
      expect(withoutProto(parseResult(method, value))).toEqual(withoutProto(value))
    }),
    runs,
  )
})

/** The error that checking params ends in. */
function refusal(method: Method, params: unknown): McpError {
  try {
    parseParams(method, params)
  } catch (thrown) {
    if (thrown instanceof McpError) return thrown
    throw thrown
  }
  throw new Error(`${method} accepts ${JSON.stringify(params)}`)
}

test.each<[Method, unknown, string]>([
  ['tools/call', { arguments: {} }, 'name: expected string, received undefined'],
  ['tools/call', { name: 'a', arguments: [1] }, 'arguments: expected object, received array'],
  ['tools/call', 'water', 'expected object, received string'],
  ['resources/read', { uri: null }, 'uri: expected string, received null'],
  ['tools/list', { cursor: 3 }, 'cursor: expected string, received number'],
  ['prompts/get', { name: 'a', arguments: { b: 1 } }, 'arguments.b: expected string, received number'],
  [
    'completion/complete',
    { ref: { type: 'ref/tool' }, argument: { name: 'a', value: '' } },
    'ref.type: expected "ref/prompt" or "ref/resource", received "ref/tool"',
  ],
  [
    'notifications/progress',
    { progressToken: 1.5, progress: 1 },
    'progressToken: expected a whole number below 2^53, received 1.5',
  ],
])('wrong params of %s are refused in words: %j', (method, params, words) => {
  const error = refusal(method, params)
  expect(error.code).toBe(errorCodes.invalidParams)
  expect(error.message).toBe(`Invalid params of ${method}: ${words}`)
})

test('a result that is wrong is refused in words', () => {
  expect(() => parseResult('tools/list', { tools: [{ name: 'a' }] })).toThrow(
    'Invalid result of tools/list: tools.0.inputSchema: expected object, received undefined',
  )
})

test('messages of older revisions are read as they were then', () => {
  const form = {
    message: 'Your name?',
    requestedSchema: { type: 'object', properties: { name: { type: 'string' } } },
  }
  expect(parseParams('elicitation/create', form)).toEqual(form)
  const sampled = { role: 'assistant', content: { type: 'text', text: 'hi' }, model: 'm' }
  expect(parseResult('sampling/createMessage', sampled)).toEqual(sampled)
  const initialize = {
    protocolVersion: '2024-11-05',
    capabilities: { sampling: {}, elicitation: {} },
    clientInfo: { name: 'a', version: '1' },
  }
  expect(parseParams('initialize', initialize)).toEqual(initialize)
})

test('what a peer of a later revision adds is kept', () => {
  const tool = {
    name: 'a',
    inputSchema: { type: 'object', properties: {}, $defs: { b: {} } },
    execution: { later: [1] },
  }
  expect(parseResult('tools/list', { tools: [tool], ttlMs: 5 })).toEqual({ tools: [tool], ttlMs: 5 })
})

test('a tool result without content has none, and an elicitation result may say so with null', () => {
  expect(parseResult('tools/call', { structuredContent: { litres: 2 } })).toEqual({
    content: [],
    structuredContent: { litres: 2 },
  })
  expect(parseResult('elicitation/create', { action: 'decline', content: null })).toEqual({
    action: 'decline',
  })
})
