import * as z from 'zod/mini'
import {
  DiscoverResult,
  errorCodes,
  inputRequiredMethods,
  InputRequiredResult,
  isInputRequired,
  McpError,
  metaKeys,
  methods,
  MissingRequiredClientCapabilityErrorData,
  parseModernMeta,
  parseModernResult,
  parseParams,
  SubscriptionsListenResult,
  UnsupportedProtocolVersionErrorData,
  type RequestToServer,
} from '../src/index.ts'

const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'ExampleClient', version: '1.0.0' },
  'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/ui': {} } },
  'io.modelcontextprotocol/logLevel': 'warning',
  progressToken: 1,
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01',
  'com.example/own': [1],
}

/** What reading something ends in. */
function refusal(read: () => unknown): McpError {
  try {
    read()
  } catch (thrown) {
    if (thrown instanceof McpError) return thrown
    throw thrown
  }
  throw new Error('It is accepted')
}

test('what every request carries comes back as it was, own keys and all', () => {
  expect(parseModernMeta({ _meta: meta })).toEqual(meta)
})

test('a request need not say who sends it, nor want progress or logs', () => {
  const least = {
    [metaKeys.protocolVersion]: '2026-07-28',
    [metaKeys.clientCapabilities]: {},
  }
  expect(parseModernMeta({ _meta: least })).toEqual(least)
})

test.each<[unknown, string]>([
  [undefined, 'expected object, received undefined'],
  [{}, 'io.modelcontextprotocol/protocolVersion: expected string, received undefined'],
  [
    { ...meta, [metaKeys.clientCapabilities]: undefined },
    'io.modelcontextprotocol/clientCapabilities: expected object, received undefined',
  ],
  [
    { ...meta, [metaKeys.clientInfo]: { name: 'a' } },
    'io.modelcontextprotocol/clientInfo.version: expected string, received undefined',
  ],
  [{ ...meta, [metaKeys.logLevel]: 'loud' }, 'io.modelcontextprotocol/logLevel: expected "debug" or "info"'],
])('a request without what it must carry is refused in words: %j', (_meta, words) => {
  const error = refusal(() => parseModernMeta({ _meta }))
  expect(error.code).toBe(errorCodes.invalidParams)
  expect(error.message).toContain(`Invalid _meta of the request: ${words}`)
  if (_meta === undefined) expect(refusal(() => parseModernMeta(undefined)).message).toBe(error.message)
})

const required = {
  resultType: 'input_required',
  inputRequests: {
    github_login: {
      method: 'elicitation/create',
      params: {
        mode: 'form',
        message: 'Please provide your GitHub username',
        requestedSchema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
      },
    },
    capital_of_france: {
      method: 'sampling/createMessage',
      params: {
        messages: [{ role: 'user', content: { type: 'text', text: 'What is the capital of France?' } }],
        maxTokens: 100,
      },
    },
    roots: { method: 'roots/list' },
  },
  requestState: 'AEAD-protected blob',
}

test('a result that wants input first is told from one that is complete', () => {
  for (const method of inputRequiredMethods) {
    const result = parseModernResult(method, required)
    expect(result).toEqual(required)
    expect(isInputRequired(result)).toBe(true)
  }
  for (const complete of [{ content: [] }, { content: [], resultType: 'complete' }]) {
    const result = parseModernResult('tools/call', complete)
    if (isInputRequired(result)) throw new Error('It is complete')
    expect(result.content).toEqual([])
    expect(result).toEqual(complete)
  }
})

test('a result that wants input may say only what to come back with', () => {
  const shed = { resultType: 'input_required', requestState: '' }
  expect(parseModernResult('tools/call', shed)).toEqual(shed)
})

test.each<[RequestToServer, unknown, string]>([
  ['tools/list', required, 'its resultType cannot be "input_required"'],
  ['tools/call', { content: [], resultType: 'task' }, 'its resultType cannot be "task"'],
  ['tools/call', { content: [], resultType: 5 }, 'its resultType cannot be 5'],
  [
    'tools/call',
    { resultType: 'input_required' },
    'expected inputRequests or requestState, received neither',
  ],
  [
    'tools/call',
    { resultType: 'input_required', inputRequests: { a: { method: 'ping' } } },
    'inputRequests.a.method: expected "elicitation/create" or "sampling/createMessage" or "roots/list", received "ping"',
  ],
  ['tools/call', 5, 'expected object, received number'],
  ['prompts/get', { resultType: 'complete' }, 'messages: expected array, received undefined'],
])('a result of %s that is of no kind it can be is refused in words: %j', (method, result, words) => {
  const error = refusal(() => parseModernResult(method, result))
  expect(error.code).toBe(errorCodes.internalError)
  expect(error.message).toContain(`Invalid result of ${method}: ${words}`)
})

test('a request is made again with the answers, each of which is still to be checked', () => {
  const again = {
    name: 'water',
    uri: 'note:///a',
    inputResponses: {
      github_login: { action: 'accept', content: { name: 'octocat' } },
      other: { any: 'thing' },
    },
    requestState: 'AEAD-protected blob',
  }
  for (const method of inputRequiredMethods) expect(parseParams(method, again)).toEqual(again)
  expect(refusal(() => parseParams('tools/call', { ...again, inputResponses: { a: 'yes' } })).message).toBe(
    'Invalid params of tools/call: inputResponses.a: expected object, received string',
  )
})

test('only requests of the table may be answered with a wish for input', () => {
  for (const method of inputRequiredMethods) expect(methods[method].direction).toBe('toServer')
  expect(z.safeParse(InputRequiredResult, { ...required, resultType: 'complete' }).success).toBe(false)
})

test('a server that introduces itself wrongly is still understood', () => {
  const discovered = {
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: {} },
    ttlMs: 0,
    cacheScope: 'public',
  }
  const serverInfo = { name: 'ExampleServer', version: '1.0.0' }
  for (const _meta of [{ [metaKeys.serverInfo]: serverInfo }, {}]) {
    expect(z.parse(DiscoverResult, { ...discovered, _meta })).toEqual({ ...discovered, _meta })
  }
  const wrong = { ...discovered, _meta: { [metaKeys.serverInfo]: { name: 1 }, other: 1 } }
  const leftOut: string[] = []
  const result = parseModernResult('server/discover', wrong, (_problem, parts) => leftOut.push(...parts))
  expect(result).toEqual({ ...discovered, _meta: { other: 1 } })
  expect(leftOut).toEqual([
    '_meta.io.modelcontextprotocol/serverInfo: name: expected string, received number',
  ])
})

test('the end of a subscription names it', () => {
  const end = { resultType: 'complete', _meta: { [metaKeys.subscriptionId]: 1 } }
  expect(parseModernResult('subscriptions/listen', end)).toEqual(end)
  expect(z.safeParse(SubscriptionsListenResult, { resultType: 'complete' }).success).toBe(false)
})

test("the specification's errors carry data of their schemas", () => {
  const unsupported = { supported: ['2026-07-28', '2025-11-25'], requested: '1900-01-01' }
  expect(z.parse(UnsupportedProtocolVersionErrorData, unsupported)).toEqual(unsupported)
  const missing = { requiredCapabilities: { elicitation: {} } }
  expect(z.parse(MissingRequiredClientCapabilityErrorData, missing)).toEqual(missing)
})
