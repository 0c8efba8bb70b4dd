import fc from 'fast-check'
import { errorCodes, McpError } from '../../src/index.ts'

const fail = () => {
  throw new Error('hostile')
}
const cyclic: Record<string, unknown> = {}
cyclic.self = cyclic
const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
const traps = Object.fromEntries(
  ['get', 'has', 'ownKeys', 'getPrototypeOf', 'getOwnPropertyDescriptor', 'set'].map((trap) => [trap, fail]),
)
const deep = () => JSON.parse('['.repeat(6_000) + ']'.repeat(6_000)) as unknown
const fickle = () => {
  let reads = 0
  return {
    get code() {
      return reads++ === 0 ? -1 : fail()
    },
    message: 'fickle',
    [Symbol.for('@tidings/protocol.McpError')]: true,
  }
}

/** Values that no author means to give, by name, and what makes them anew. */
const odd: Record<string, () => unknown> = {
  undefined: () => undefined,
  null: () => null,
  'a number': () => 7,
  NaN: () => NaN,
  'a string': () => 'text\u2028\u2029',
  true: () => true,
  'a BigInt': () => 1n,
  'a symbol': () => Symbol('x'),
  'a function': () => fail,
  'an array': () => [1],
  'an empty object': () => ({}),
  'no prototype': () => Object.create(null) as unknown,
  'an invalid date': () => new Date(NaN),
  'a cycle': () => cyclic,
  'a nested BigInt': () => ({ a: [{ b: 1n }] }),
  'a getter that throws': () => Object.defineProperty({}, 'x', { enumerable: true, get: fail }),
  'a toJSON that throws': () => ({ toJSON: fail }),
  'a toJSON of undefined': () => ({ toJSON: () => undefined }),
  'a toJSON of text': () => ({ toJSON: () => 'text' }),
  'a toJSON getter that throws': () => Object.defineProperty({}, 'toJSON', { enumerable: true, get: fail }),
  'a proxy that throws': () => new Proxy({}, traps),
  'a revoked proxy': revoked,
  'very deep': deep,
  'an error': () => new Error('secret'),
  'an error whose message throws': () => Object.defineProperty(new Error('x'), 'message', { get: fail }),
  'an error whose stack throws': () => Object.defineProperty(new Error('x'), 'stack', { get: fail }),
  'an McpError': () => new McpError(errorCodes.invalidRequest, 'no'),
  'an McpError with a BigInt': () => new McpError(errorCodes.invalidRequest, 'no', { data: 1n }),
  'an McpError with a getter that throws': () =>
    new McpError(errorCodes.invalidRequest, 'no', {
      data: Object.defineProperty({}, 'x', { enumerable: true, get: fail }),
    }),
  'an McpError of NaN': () => new McpError(NaN, 'no'),
  'an McpError of another copy': () =>
    Object.assign(new Error('no'), { code: -3, [Symbol.for('@tidings/protocol.McpError')]: true }),
  'a sign of an McpError': () => ({ [Symbol.for('@tidings/protocol.McpError')]: true }),
  'an McpError that changes its mind': fickle,
  'a thenable that throws': () => ({ then: fail }),
  'a getter of then that throws': () => Object.defineProperty({}, 'then', { enumerable: true, get: fail }),
  'a thenable of a BigInt': () => ({ then: (resolve: (value: unknown) => void) => resolve(1n) }),
  'a thenable of all': () => ({
    then(resolve: (value: unknown) => void, reject: (value: unknown) => void) {
      resolve({ content: [], messages: [], contents: [] })
      reject(new Error('too late'))
      resolve(1n)
      fail()
    },
  }),
}

/** Makes a value. Its name shows in counterexamples. */
export interface AnyValue {
  name: string
  make: () => unknown
}

const oddValue = fc.constantFrom(...Object.entries(odd).map(([name, make]): AnyValue => ({ name, make })))
const fields = [
  'content',
  'structuredContent',
  'messages',
  'contents',
  '_meta',
  'isError',
  'then',
  'toJSON',
  'x',
  'resultType',
  'values',
]
const good = () => ({ content: [{ type: 'text', text: 'ok' }], messages: [], contents: [] })

const goodValue = fc.constant<AnyValue>({ name: 'a result', make: good })

/** A result with an odd value in one of its fields, or in place of a part of its content. */
const spoiltValue = fc
  .record({ field: fc.constantFrom(...fields), value: oddValue, isGetter: fc.boolean() })
  .map(({ field, value, isGetter }): AnyValue => ({
    name: `a result whose ${field} ${isGetter ? 'gets' : 'is'} ${value.name}`,
    make: () =>
      isGetter
        ? Object.defineProperty(good(), field, { enumerable: true, configurable: true, get: value.make })
        : { ...good(), [field]: value.make() },
  }))
const spoiltPart = oddValue.map((value): AnyValue => ({
  name: `a result with ${value.name} in it`,
  make: () => ({ content: [value.make()], messages: [value.make()], contents: [value.make()] }),
}))

/** Whatever a handler may return, throw, or give to its context. */
export const anyValue: fc.Arbitrary<AnyValue> = fc.oneof(
  { arbitrary: goodValue, weight: 3 },
  { arbitrary: oddValue, weight: 3 },
  { arbitrary: spoiltValue, weight: 3 },
  { arbitrary: spoiltPart, weight: 1 },
)
