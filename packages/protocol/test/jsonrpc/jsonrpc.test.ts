import * as fc from 'fast-check'
import * as z from 'zod/mini'
import {
  errorCodes,
  isNotification,
  isRequest,
  isResponse,
  JSONRPCErrorResponse,
  JSONRPCNotification,
  JSONRPCRequest,
  JSONRPCResultResponse,
  McpError,
  parseJson,
  parseMessage,
} from '../../src/index.ts'
import { parseWith } from '../../src/jsonrpc/parse-with.ts'
import { arbitraryOf, mutantsOf, mutated } from '../arbitrary.ts'

/** The error that a function throws, for looking at more than its message. */
function thrownBy(run: () => unknown): McpError {
  try {
    run()
  } catch (thrown) {
    if (thrown instanceof McpError) return thrown
    throw thrown
  }
  throw new Error('nothing was thrown')
}

const request = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'water' } }
const notification = { jsonrpc: '2.0', method: 'notifications/initialized' }
const result = { jsonrpc: '2.0', id: 'a', result: { tools: [] } }
const error = { jsonrpc: '2.0', id: 1, error: { code: -32601, message: 'no such method', data: { a: 1 } } }

test.each([
  ['a request', request],
  ['a request without params', { jsonrpc: '2.0', id: 0, method: 'ping' }],
  ['a request whose id is the empty string', { ...request, id: '' }],
  ['a request whose id is negative', { ...request, id: -7 }],
  ['a request whose id has 256 characters', { ...request, id: 'i'.repeat(256) }],
  [
    'a request with a progress token',
    { ...request, params: { _meta: { progressToken: 'p', 'a.b/c': [1] } } },
  ],
  ['a notification', notification],
  ['a notification with params', { ...notification, params: { _meta: { any: 'thing' }, more: [null] } }],
  ['a result', result],
  ['an empty result', { jsonrpc: '2.0', id: 1, result: {} }],
  ['an error', error],
  ['an error without an id', { jsonrpc: '2.0', error: { code: -32700, message: 'not JSON' } }],
])('%s is read as it was sent', (_, message) => {
  expect(parseMessage(message)).toEqual(message)
  expect(parseMessage(parseJson(JSON.stringify(message)))).toEqual(message)
})

test('a message is of one kind', () => {
  const kinds = [request, notification, result, error].map((sent) => {
    const message = parseMessage(sent)
    return [isRequest(message), isNotification(message), isResponse(message)]
  })
  expect(kinds).toEqual([
    [true, false, false],
    [false, true, false],
    [false, false, true],
    [false, false, true],
  ])
})

test.each([
  [null, 'A JSON-RPC message must be an object, got null'],
  [undefined, 'A JSON-RPC message must be an object, got undefined'],
  ['ping', 'A JSON-RPC message must be an object, got a string'],
  [7, 'A JSON-RPC message must be an object, got a number'],
  [[request], 'A JSON-RPC message must be an object, got an array'],
  [[], 'A JSON-RPC message must be an object, got an array'],
  [{}, 'Not a JSON-RPC 2.0 message: jsonrpc: expected "2.0"'],
  [{ ...request, jsonrpc: '1.0' }, 'Not a JSON-RPC 2.0 message: jsonrpc: expected "2.0"'],
  [{ ...request, jsonrpc: 2 }, 'Not a JSON-RPC 2.0 message: jsonrpc: expected "2.0"'],
  [{ ...request, method: 4 }, 'Not a JSON-RPC 2.0 message: method: expected string, received number'],
  [{ ...request, params: [1] }, 'Not a JSON-RPC 2.0 message: params: expected object, received array'],
  [
    { ...request, params: { _meta: { progressToken: {} } } },
    'Not a JSON-RPC 2.0 message: params._meta.progressToken: ' +
      'expected string, received object, or expected number, received object',
  ],
  [{ ...request, id: 'i'.repeat(257) }, `id: expected at most 256 characters, received "${'i'.repeat(100)}"`],
  [
    { ...request, params: { _meta: { progressToken: 'p'.repeat(257) } } },
    'params._meta.progressToken: expected at most 256 characters, received "ppp',
  ],
  [{ ...result, id: 'i'.repeat(257) }, 'id: expected at most 256 characters'],
  [{ ...notification, params: 'x' }, 'Not a JSON-RPC 2.0 message: params: expected object, received string'],
  [{ ...notification, params: { _meta: 3 } }, 'params._meta: expected object, received number'],
  [{ ...result, result: 'done' }, 'Not a JSON-RPC 2.0 message: result: expected object, received string'],
  [{ ...result, result: [1] }, 'Not a JSON-RPC 2.0 message: result: expected object, received array'],
  [{ jsonrpc: '2.0', result: {} }, 'Not a JSON-RPC 2.0 message: id: expected string, received undefined'],
  [{ jsonrpc: '2.0', id: 1 }, 'Not a JSON-RPC 2.0 message: error: expected object, received undefined'],
  [{ ...error, error: { message: 'x' } }, 'error.code: expected number, received undefined'],
  [{ ...error, error: { code: 1.5, message: 'x' } }, 'error.code: expected a whole number'],
  [{ ...error, error: { code: 1 } }, 'error.message: expected string, received undefined'],
])('%j is not a message, and the error says why', (value, message) => {
  const thrown = thrownBy(() => parseMessage(value))
  expect(thrown.code).toBe(errorCodes.invalidRequest)
  expect(thrown.message).toContain(message)
})

test.each([null, 1.5, 2 ** 53, {}, [], true])('a request is refused when its id is %j', (id) => {
  const thrown = thrownBy(() => parseMessage({ ...request, id }))
  expect(thrown.code).toBe(errorCodes.invalidRequest)
  expect(thrown.message).toMatch(/^Not a JSON-RPC 2.0 message: id: /)
})

const schemas = [JSONRPCRequest, JSONRPCNotification, JSONRPCResultResponse, JSONRPCErrorResponse]
const valid = fc.oneof(...schemas.map(arbitraryOf))

function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch {
    return undefined
  }
}

/** Expects that the value is a message when the schema of its kind accepts it, and only then. */
function expectAsBySchema(value: unknown): void {
  const fields = Object(value) as object
  const { result, error: failure } = fields as { result?: unknown; error?: unknown }
  const isResult = result !== undefined && (result !== null || failure == null)
  const kind = 'method' in fields ? ('id' in fields ? 0 : 1) : isResult ? 2 : 3
  const { success, data } = z.safeParse(schemas[kind]!, value)
  if (!success) {
    const mended = parsed(() => parseWith(schemas[kind]!, value, 0, ''))
    if (mended === undefined) expect(() => parseMessage(value)).toThrow(McpError)
    else expect(parseMessage(value)).toEqual(mended)
    return
  }
  // What is in a message has its own schema to pass, and is neither walked nor copied before.
  const message = parseMessage(value) as Record<string, unknown>
  expect(Object.keys(message).sort()).toEqual(Object.keys(data).sort())
  for (const key of Object.keys(message)) expect(message[key]).toBe(fields[key as keyof typeof fields])
}

test('a value is a message when the schema of its kind accepts it, and only then', () => {
  fc.assert(fc.property(fc.oneof(valid, mutated(valid)), expectAsBySchema), { numRuns: 1000, seed: 20251125 })
  for (const value of fc.sample(valid, { numRuns: 30, seed: 20251125 }))
    mutantsOf(value).forEach(expectAsBySchema)
})

test('a request whose id is missing is a notification', () => {
  expect(isNotification(parseMessage({ jsonrpc: '2.0', method: 'ping' }))).toBe(true)
})

test.each<[unknown, unknown]>([
  [
    { ...error, id: null },
    { jsonrpc: '2.0', error: error.error },
  ],
  [{ ...error, result: null }, error],
  [{ ...result, error: null }, result],
  [
    { ...result, result: null },
    { ...result, result: {} },
  ],
  [
    { ...result, result: [] },
    { ...result, result: {} },
  ],
  [
    { ...result, result: { tools: [null], _meta: [] } },
    { ...result, result: { tools: [null], _meta: {} } },
  ],
  [
    { ...request, params: null },
    { jsonrpc: '2.0', id: 1, method: 'tools/call' },
  ],
  [
    { ...request, params: [] },
    { ...request, params: {} },
  ],
  [
    { ...request, params: { _meta: { progressToken: null, a: null } } },
    { ...request, params: { _meta: { a: null } } },
  ],
  [
    { ...notification, params: { _meta: null, a: null } },
    { ...notification, params: { a: null } },
  ],
])('null is as good as absent, and [] as an empty object: %j', (value, message) => {
  expect(parseMessage(value)).toEqual(message)
})

test.each<[unknown, unknown, string]>([
  [{ ...notification, params: 5 }, notification, 'params: expected object, received number'],
  [
    { ...notification, params: { a: 1, _meta: 'x' } },
    { ...notification, params: { a: 1 } },
    'params._meta: expected object, received string',
  ],
  [
    { ...error, error: { code: '-32000', message: 'no' } },
    { ...error, error: { code: -32603, message: 'no' } },
    'error.code: expected number, received string',
  ],
  [{ id: 1, result: {} }, { jsonrpc: '2.0', id: 1, result: {} }, ''],
])('who is told may have what is wrong left out: %j', (value, message, leftOut) => {
  const parts: string[] = []
  expect(parseMessage(value, (_problem, left) => parts.push(...left))).toEqual(message)
  expect(parts.join()).toBe(leftOut)
  expect(() => parseMessage(value)).toThrow(McpError)
})

test('a key named __proto__ pollutes nothing', () => {
  const text = `{"jsonrpc":"2.0","id":1,"method":"x","__proto__":{"polluted":1},"params":
    {"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"_meta":{"__proto__":{"polluted":1}}}}`
  const message = parseMessage(parseJson(text))
  expect(({} as { polluted?: number }).polluted).toBeUndefined()
  if (!isRequest(message)) throw new Error('not a request')
  expect((message as { polluted?: number }).polluted).toBeUndefined()
  expect(message.params?.['polluted']).toBeUndefined()
  expect(message.params?._meta?.['polluted']).toBeUndefined()
  expect(Object.getPrototypeOf(message.params)).toBe(Object.prototype)
})

test('a message without an own method is not given one by a __proto__ key', () => {
  const text = '{"jsonrpc":"2.0","id":1,"result":{},"__proto__":{"method":"tools/call"}}'
  expect(isResponse(parseMessage(parseJson(text)))).toBe(true)
})

test('params nested ten thousand deep are read, and not walked', () => {
  const depth = 10_000
  const nested = '{"a":'.repeat(depth) + '1' + '}'.repeat(depth)
  const message = parseMessage(JSON.parse(`{"jsonrpc":"2.0","id":1,"method":"x","params":${nested}}`))
  expect(isRequest(message)).toBe(true)
})

test('text that is not JSON is a parse error with the cause kept', () => {
  for (const text of ['', '{', '{"a":}', 'undefined', '\u0000']) {
    const thrown = thrownBy(() => parseJson(text))
    expect(thrown.code).toBe(errorCodes.parseError)
    expect(thrown.message).toMatch(/^Not JSON: ./)
    expect(thrown.cause).toBeInstanceOf(SyntaxError)
  }
})
