import fc from 'fast-check'

// Messages that are nearly right: each part of a right one may be missing, twice, of another type, or in excess.

const methods = [
  'initialize',
  'ping',
  'server/discover',
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'prompts/list',
  'prompts/get',
  'completion/complete',
  'logging/setLevel',
  'subscriptions/listen',
  'notifications/initialized',
  'notifications/cancelled',
  'notifications/progress',
  'notifications/roots/list_changed',
]
const names = [
  'echo',
  'whoami',
  'ask',
  'strict',
  'draft',
  'tell',
  'greet',
  '__proto__',
  'constructor',
  'toString',
  '',
]
const uris = [
  'hostile://fixed',
  'hostile:///a/b',
  'hostile:///a/b?q=1&r=2&r=3',
  'hostile:///a%2Fb/..%2F',
  'hostile:///%00/%ff',
  'hostile:///\u{1f331}/ %zz',
  'file:///etc/passwd',
  `hostile:///${'a/'.repeat(3_000)}`,
  'tools',
]
const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
}

const key = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'toJSON', 'then', 'length', '', '\u2028'),
  fc.string(),
)
const leaf = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constantFrom(null, -0, 2 ** 53, 1e308, '\ud800', '\0', '\r\n\r\ndata: x', 'x'.repeat(300)),
)
/** Any value of JSON. */
export const anyValue: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4 }),
  ),
})).value

const orAny = (right: fc.Arbitrary<unknown>) => fc.oneof({ weight: 4, arbitrary: right }, anyValue)
const params = fc.record(
  {
    name: orAny(fc.constantFrom(...names)),
    uri: orAny(fc.oneof(fc.constantFrom(...uris), fc.webUrl())),
    arguments: orAny(fc.dictionary(fc.constantFrom('value', 'tags', 'at', 'list', 'name'), anyValue)),
    _meta: orAny(fc.oneof(fc.constant(meta), fc.record({ progressToken: leaf }))),
    cursor: leaf,
    level: orAny(fc.constantFrom('debug', 'emergency')),
    ref: orAny(
      fc.constantFrom<unknown>(
        { type: 'ref/prompt', name: 'greet' },
        { type: 'ref/resource', uri: 'hostile:///{owner}/{+path}{?q,r*}' },
      ),
    ),
    argument: orAny(fc.constantFrom<unknown>({ name: 'owner', value: 'x' })),
    requestId: leaf,
    notifications: orAny(
      fc.record(
        { resourceSubscriptions: fc.array(fc.constantFrom(...uris)), toolsListChanged: anyValue },
        { requiredKeys: [] },
      ),
    ),
    protocolVersion: orAny(
      fc.constantFrom('2024-11-05', '2025-03-26', '2025-11-25', '2026-07-28', '2099-01-01'),
    ),
    capabilities: orAny(fc.constant({})),
    clientInfo: orAny(fc.constant({ name: 'x', version: '1' })),
    inputResponses: anyValue,
    requestState: leaf,
  },
  { requiredKeys: [] },
)
const id = fc.oneof({ weight: 6, arbitrary: fc.nat() }, leaf)
const jsonrpc = fc.oneof({ weight: 9, arbitrary: fc.constant('2.0') }, leaf)
const request = fc.record(
  { jsonrpc, id, method: orAny(fc.constantFrom(...methods)), params: orAny(params) },
  { requiredKeys: [] },
)
const response = fc.record(
  { jsonrpc, id, result: anyValue, error: orAny(fc.record({ code: leaf, message: leaf, data: anyValue })) },
  { requiredKeys: [] },
)

/** A message that is nearly right, or a batch of such. */
export const nearlyRight: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 8, arbitrary: request },
  { weight: 2, arbitrary: response },
  { weight: 1, arbitrary: fc.array(fc.oneof(request, response, anyValue), { maxLength: 5 }) },
  { weight: 1, arbitrary: anyValue },
)

/** Bytes that are nearly JSON: cut short, with other bytes among them, or nothing but those. */
export const nearlyJson: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    nearlyRight,
    fc.uint8Array({ maxLength: 20 }),
    fc.nat(),
    fc.constantFrom('whole', 'cut', 'within', 'instead', 'deep'),
  )
  .map(([message, junk, at, how]) => {
    const right = Buffer.from(how === 'deep' ? deep(message, at % 5_000) : (JSON.stringify(message) ?? ''))
    const place = at % (right.length + 1)
    if (how === 'whole' || how === 'deep') return right
    if (how === 'cut') return right.subarray(0, place)
    if (how === 'instead') return junk
    return Buffer.concat([right.subarray(0, place), junk, right.subarray(place)])
  })

/** The message with a value in it that is nested so deep. */
function deep(message: unknown, depth: number): string {
  const nested = `${'['.repeat(depth)}${']'.repeat(depth)}`
  return (JSON.stringify({ ...Object(message), extra: 0 }) ?? '').replace(/0}$/, `${nested}}`)
}
