import * as fc from 'fast-check'
import {
  decodeHeaderValue,
  encodeHeaderValue,
  errorCodes,
  headerMatches,
  McpError,
  nameOf,
} from '../../src/index.ts'

// The specification's table of examples, and its two kinds of header-safe values that are not in it.
const examples = [
  ['us-west1', 'us-west1'],
  ['Hello, 世界', '=?base64?SGVsbG8sIOS4lueVjA==?='],
  [' padded ', '=?base64?IHBhZGRlZCA=?='],
  ['line1\nline2', '=?base64?bGluZTEKbGluZTI=?='],
  ['=?base64?literal?=', '=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?='],
  ['file:///projects/myapp/config.json', 'file:///projects/myapp/config.json'],
  ['two words\tand a tab', 'two words\tand a tab'],
] as const

test.each(examples)('%j goes into a header as %j, and comes out again', (value, text) => {
  expect(encodeHeaderValue(value)).toBe(text)
  expect(decodeHeaderValue(text)).toBe(value)
})

const values = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string(),
  fc.string({
    unit: fc.constantFrom('=?base64?', '?=', '=', '?', ' ', '\t', '\r\n', '\0', '\uFEFF', '🌊', 'a'),
  }),
)

test('whatever goes into a header comes out as it was', () => {
  fc.assert(
    fc.property(values, (value) => {
      expect(decodeHeaderValue(encodeHeaderValue(value))).toBe(value)
      expect(headerMatches(encodeHeaderValue(value), value)).toBe(true)
    }),
    { numRuns: 2000 },
  )
})

test('what goes into a header is visible ASCII, and nothing on the way trims, drops or splits it', () => {
  fc.assert(
    fc.property(values, (value) => {
      expect(encodeHeaderValue(value)).toMatch(/^[!-~]([ \t!-~]*[!-~])?$/)
    }),
    { numRuns: 2000 },
  )
})

test('an empty value is not sent as nothing, which would look left out', () => {
  expect(encodeHeaderValue('')).toBe('=?base64??=')
  expect(decodeHeaderValue('=?base64??=')).toBe('')
  expect(decodeHeaderValue('')).toBe('')
})

test('what has not both ends of an encoded value is taken as it is', () => {
  for (const text of ['SGVsbG8=', '=?base64?SGVsbG8=', 'SGVsbG8=?=', '=?base64?=', '=?BASE64?SGVsbG8=?=']) {
    expect(decodeHeaderValue(text)).toBe(text)
  }
})

/** What decoding ends in. */
function refusal(text: string): McpError {
  try {
    decodeHeaderValue(text)
  } catch (thrown) {
    if (thrown instanceof McpError) return thrown
    throw thrown
  }
  throw new Error(`${text} is decoded`)
}

test.each([
  ['without padding', '=?base64?SGVsbG8?='],
  ['with too much of it', '=?base64?SGVsbG8==?='],
  ['with characters of none', '=?base64?SGVs!!!bG8=?='],
  ['of the alphabet for URLs', '=?base64?_-8=?='],
  ['with a space', '=?base64?SGVs bG8=?='],
  ['with bits that say nothing', '=?base64?SGVsbG9=?='],
  ['of bytes that are not UTF-8', '=?base64?/w==?='],
])('base64 %s is refused', (_, text) => {
  const error = refusal(text)
  expect(error.code).toBe(errorCodes.headerMismatch)
  expect(error.message).toContain(JSON.stringify(text))
})

test.each(['世界', 'caf\u00e9', 'a\0b', 'a\nb', '=?base64?SGVs\nbG8=?=', '\x7f'])(
  'what no header may hold is refused: %j',
  (text) => expect(refusal(text).code).toBe(errorCodes.headerMismatch),
)

test('a very long value is encoded as any other, and only its beginning is told when it is malformed', () => {
  const value = '世'.repeat(200_000)
  expect(decodeHeaderValue(encodeHeaderValue(value))).toBe(value)
  expect(refusal(value).message.length).toBeLessThan(300)
})

test('a header matches the value in the body', () => {
  for (const [text, value] of [
    ['true', true],
    ['42', 42],
    ['42.0', 42],
    ['-7', -7],
    ['=?base64?NDI=?=', 42],
    ['42', '42'],
    ['1.5', 1.5],
  ] as const) {
    expect(headerMatches(text, value)).toBe(true)
  }
  for (const [text, value] of [
    ['True', true],
    ['1', true],
    ['', false],
    ['42.0', '42'],
    ['0x2a', 42],
    ['4.2e1', 42],
    [' 42', 42],
    ['', 0],
    ['42.5', 42],
    ['9007199254740991.4', Number.MAX_SAFE_INTEGER],
    ['us-west1', 'US-WEST1'],
  ] as const) {
    expect(headerMatches(text, value)).toBe(false)
  }
})

test('the name that is mirrored is that of the tool or the prompt, or the URI of the resource', () => {
  expect(nameOf('tools/call', { name: 'water', uri: 'note:///a' })).toBe('water')
  expect(nameOf('prompts/get', { name: 'greet' })).toBe('greet')
  expect(nameOf('resources/read', { name: 'a', uri: 'note:///a' })).toBe('note:///a')
})

test('a request that is about nothing by name has none to mirror, nor has one that is wrong', () => {
  const params = { name: 'a', uri: 'note:///a' }
  for (const method of ['tools/list', 'resources/subscribe', 'toString', '__proto__', '']) {
    expect(nameOf(method, params)).toBeUndefined()
  }
  for (const wrong of [undefined, null, 'name', [], {}, { name: 1 }, Object.create({ name: 'inherited' })]) {
    expect(nameOf('tools/call', wrong)).toBeUndefined()
  }
})
