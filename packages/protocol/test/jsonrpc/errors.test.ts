import { errorCodes, httpStatus, McpError, modernHttpStatus } from '../../src/index.ts'

test('an error carries code, message and data to the peer', () => {
  const error = new McpError(errorCodes.resourceNotFound, 'no such note', { data: { uri: 'note:///a' } })
  expect(JSON.parse(JSON.stringify(error))).toEqual({
    code: -32002,
    message: 'no such note',
    data: { uri: 'note:///a' },
  })
})

test('an error without data has no data member', () => {
  expect(Object.keys(new McpError(1, 'x').toJSON())).toEqual(['code', 'message'])
})

test('data that is null, false or 0 is sent', () => {
  for (const data of [null, false, 0, '']) expect(new McpError(1, 'x', { data }).toJSON().data).toBe(data)
})

test('the cause is kept and never sent', () => {
  const cause = new Error('password is hunter2')
  const error = new McpError(errorCodes.internalError, 'Internal error', { cause, data: 1 })
  expect(error.cause).toBe(cause)
  expect(JSON.stringify(error)).not.toContain('hunter2')
  expect(JSON.stringify({ jsonrpc: '2.0', id: 1, error })).toBe(
    '{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"Internal error","data":1}}',
  )
})

test('an error without a cause has no cause property', () => {
  expect('cause' in new McpError(1, 'x')).toBe(false)
})

test('from gives an McpError back as it is', () => {
  const error = new McpError(errorCodes.invalidParams, 'litres must be positive')
  expect(McpError.from(error)).toBe(error)
})

test.each([new TypeError('secret'), 'secret', undefined, null, { code: 1, message: 'secret' }])(
  'from tells the peer nothing of %p',
  (thrown) => {
    const error = McpError.from(thrown)
    expect(error.toJSON()).toEqual({ code: errorCodes.internalError, message: 'Internal error' })
    expect(error.cause).toBe(thrown)
  },
)

test('an error has a name and a stack, and is an Error', () => {
  const error = new McpError(1, 'x')
  expect(error).toBeInstanceOf(Error)
  expect(error.name).toBe('McpError')
  expect(String(error)).toBe('McpError: x')
  expect(error.stack).toContain('errors.test')
})

test('an error of another copy of the package is an instance too', async () => {
  const copy = '../../src/jsonrpc/errors.ts?copy'
  const other = (await import(copy)) as typeof import('../../src/jsonrpc/errors.ts')
  expect(other.McpError).not.toBe(McpError)
  const error = new other.McpError(errorCodes.invalidParams, 'x')
  expect(error instanceof McpError).toBe(true)
  expect(new McpError(1, 'x') instanceof other.McpError).toBe(true)
  expect(McpError.from(error)).toBe(error)
})

test('what is not an McpError is not an instance', () => {
  for (const value of [new Error('x'), { code: 1, message: 'x' }, null, undefined, 'x', 1]) {
    expect(value instanceof McpError).toBe(false)
  }
})

test('what only looks like an McpError is none, and nothing that it does matters', () => {
  const brand = Symbol.for('@tidings/protocol.McpError')
  const fail = () => {
    throw new Error('hostile')
  }
  for (const value of [
    { [brand]: true },
    { [brand]: true, code: NaN, message: 'x' },
    { [brand]: true, code: 1 },
    Object.defineProperty({ [brand]: true, message: 'x' }, 'code', { get: fail }),
    new Proxy({}, { has: fail, getPrototypeOf: fail }),
  ]) {
    expect(value instanceof McpError).toBe(false)
    const error = McpError.from(value)
    expect(error.code).toBe(errorCodes.internalError)
    expect(error.cause).toBe(value)
  }
  expect({ [brand]: true, code: 1, message: 'x' } instanceof McpError).toBe(true)
})

test('a class derived from it has instances of its own', () => {
  class Derived extends McpError {}
  expect(new Derived(1, 'x') instanceof McpError).toBe(true)
  expect(new Derived(1, 'x') instanceof Derived).toBe(true)
  expect(new McpError(1, 'x') instanceof Derived).toBe(false)
  expect(new Proxy({}, { getPrototypeOf: () => Derived.prototype }) instanceof Derived).toBe(true)
})

test.each([NaN, Infinity, 1.5, undefined, null, '1', 2 ** 60])('a code of %p is refused', (code) => {
  expect(() => new McpError(code as number, 'x')).toThrow(
    new TypeError(`The code of an McpError must be a whole number, got ${code} ("x")`),
  )
})

/** The statuses that are not 200, by the names of the codes. */
function statuses(statusOf: (code: number) => number) {
  const all = Object.entries(errorCodes).map(([name, code]) => [name, statusOf(code)] as const)
  return Object.fromEntries(all.filter(([, status]) => status !== 200))
}

// These three are of the modern era, but whoever throws one in another means it.
const modern = { headerMismatch: 400, missingRequiredClientCapability: 400, unsupportedProtocolVersion: 400 }

test('a message that is not JSON-RPC is answered 400, every other error travels in a 200', () => {
  expect(statuses(httpStatus)).toEqual({ parseError: 400, invalidRequest: 400, ...modern })
  expect(httpStatus(12345)).toBe(200)
})

test('in the modern era a method that is not there is answered 404', () => {
  expect(statuses(modernHttpStatus)).toEqual({ ...statuses(httpStatus), methodNotFound: 404 })
  expect(modernHttpStatus(12345)).toBe(200)
})

test('the codes of the modern era are those of the specification', () => {
  const { headerMismatch, missingRequiredClientCapability, unsupportedProtocolVersion } = errorCodes
  expect([headerMismatch, missingRequiredClientCapability, unsupportedProtocolVersion]).toEqual([
    -32020, -32021, -32022,
  ])
})
