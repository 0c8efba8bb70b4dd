import { Log } from '@tidings/testkit/log'
import fc from 'fast-check'
import { type BackplaneNode, MemoryBackplane } from '../../src/index.ts'
import { connectRaw } from '../harness/raw-client.ts'
import { start } from '../harness/start.ts'

/** A backplane that shows its nodes. */
class Open extends MemoryBackplane {
  readonly nodes: BackplaneNode[] = []

  override join(member: BackplaneNode): Promise<void> {
    this.nodes.push(member)
    return super.join(member)
  }
}

const encode = (head: unknown, body = '') => Buffer.from(`${JSON.stringify(head)}\n${body}`)
const relayId = 1
const request = {
  method: 'GET',
  path: '/sse',
  querystring: '',
  prefix: '',
  headers: { accept: 'text/event-stream' },
  hasBody: false,
}

async function startNode() {
  const backplane = new Open()
  const logger = new Log()
  const { url } = await start(() => {}, { logger }, { backplane })
  return { node: backplane.nodes[0]!, url, logger }
}

const dropped = (logger: Log) =>
  logger.of('warn').filter(({ message }) => message === 'mail from another node is dropped')

test('mail that is not ours is logged and dropped, whatever is wrong with it', async () => {
  const { node, url, logger } = await startNode()
  const client = await connectRaw(url)
  const wrong: [mail: Uint8Array, problem: string | RegExp][] = [
    [Buffer.alloc(0), /JSON/],
    [Buffer.from('{'), /JSON/],
    [Buffer.from([0xff, 0xfe, 0x0a]), /JSON/],
    [encode(null), 'Mail has no kind undefined'],
    [encode(7), 'Mail has no kind undefined'],
    [encode([]), 'Mail has no kind undefined'],
    [encode({ kind: 'constructor', relayId }), 'Mail has no kind "constructor"'],
    [encode({ kind: 'x'.repeat(1_000_000) }), /^Mail has no kind "x{99}$/],
    [encode({ kind: 'request', relayId }), 'Mail of the kind request has a wrong request'],
    [encode({ kind: 'request', relayId, request: null }), 'Mail of the kind request has a wrong request'],
    [
      encode({ kind: 'request', relayId, request: { ...request, headers: null } }),
      'Mail of the kind request has a wrong request',
    ],
    [
      encode({ kind: 'request', relayId, request: { ...request, principal: 7 } }),
      'Mail of the kind request has a wrong request',
    ],
    [encode({ kind: 'request', request }), 'Mail of the kind request has a wrong relayId'],
    [encode({ kind: 'taken', relayId, bytes: 'many' }), 'Mail of the kind taken has a wrong bytes'],
    [
      encode({ kind: 'answer', relayId, status: 99, headers: {}, hasBody: true }),
      'Mail of the kind answer has a wrong status',
    ],
    [
      encode({ kind: 'answer', relayId, status: 200, headers: { a: 'b\r\nc: d' }, hasBody: true }),
      'Mail of the kind answer has a wrong headers',
    ],
    [
      encode({ kind: 'stream', relayId, headers: [], chunked: true }),
      'Mail of the kind stream has a wrong headers',
    ],
    ['text' as unknown as Uint8Array, /./],
    [undefined as unknown as Uint8Array, /./],
  ]
  for (const [mail, problem] of wrong) {
    node.receive('stranger', mail)
    const { fields } = dropped(logger).at(-1)!
    expect(fields.err.message).toMatch(problem)
    expect(fields.from).toBe('stranger')
  }
  expect(dropped(logger)).toHaveLength(wrong.length)
  expect(await client.request('ping')).toMatchObject({ result: {} })
})

test('mail out of turn changes nothing', async () => {
  const { node, url } = await startNode()
  const client = await connectRaw(url)
  for (const head of [
    { kind: 'answer', relayId, status: 200, headers: {}, hasBody: true },
    { kind: 'stream', relayId, headers: {}, chunked: true },
    { kind: 'frames', relayId },
    { kind: 'end', relayId },
    { kind: 'cut', relayId },
    { kind: 'taken', relayId, bytes: 5 },
    { kind: 'left', relayId },
    { kind: 'reset' },
  ]) {
    node.receive('stranger', encode(head))
    node.receive('stranger', encode(head))
  }
  node.gone('stranger')
  expect(await client.request('ping')).toMatchObject({ result: {} })
})

test('no mail of any form throws, or leaves a rejection that nobody handles', async () => {
  const { node, url } = await startNode()
  const client = await connectRaw(url)
  const kinds = ['request', 'taken', 'left', 'answer', 'stream', 'frames', 'end', 'cut', 'reset']
  const value = fc.jsonValue({ maxDepth: 3 })
  const path = fc.constantFrom('/sse', '/mcp', '/messages', '/health', '/x', '')
  const requestHead = fc.record(
    {
      method: fc.constantFrom('GET', 'POST', 'DELETE', 'HEAD', '__proto__'),
      path,
      querystring: fc.constantFrom('', 'client_id=0123456789012345678901', 'sessionId=x'),
      prefix: fc.constant(''),
      headers: fc.dictionary(fc.constantFrom('accept', 'mcp-session-id', 'last-event-id'), fc.string()),
      hasBody: fc.boolean(),
      principal: fc.string(),
    },
    { requiredKeys: ['method', 'path', 'headers'] },
  )
  const head = fc.record(
    {
      kind: fc.constantFrom(...kinds),
      relayId: fc.oneof(fc.integer({ min: 0, max: 3 }), value),
      bytes: fc.oneof(fc.nat(), value),
      status: fc.oneof(fc.constantFrom(200, 204, 404, 1_000), value),
      headers: fc.oneof(fc.dictionary(fc.string(), fc.string()), value),
      hasBody: fc.boolean(),
      chunked: fc.boolean(),
      request: fc.oneof(requestHead, value),
    },
    { requiredKeys: ['kind'] },
  )
  const mail = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.tuple(head, fc.string()).map(([head, body]) => encode(head, body)),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(mail, { maxLength: 20 }), async (mails) => {
      for (const each of mails) node.receive('stranger', each)
      await new Promise(setImmediate)
    }),
    { numRuns: 500 },
  )
  expect(await client.request('ping')).toMatchObject({ result: {} })
}, 30_000)
