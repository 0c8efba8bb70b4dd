import { Log } from '@tidings/testkit/log'
import { post } from '@tidings/testkit/post'
import * as fc from 'fast-check'
import { type BackplaneNode, MemoryBackplane } from '../../src/index.ts'
import { connectRaw } from '../harness/raw-client.ts'
import { start } from '../harness/start.ts'

/** A backplane that hands out its nodes, so that anything can be sent to them. */
class OpenBackplane extends MemoryBackplane {
  readonly members: BackplaneNode[] = []
  /** What nodes have sent each other. */
  readonly mail: Uint8Array[] = []

  override join(member: BackplaneNode): Promise<void> {
    this.members.push(member)
    return super.join(member)
  }

  override send(from: string, to: string, mail: Uint8Array): Promise<void> {
    this.mail.push(mail)
    return super.send(from, to, mail)
  }
}

async function startCluster() {
  const log = new Log()
  const backplane = new OpenBackplane()
  const [a, b] = [
    await start(() => {}, { logger: log }, { backplane }),
    await start(() => {}, { logger: log }, { backplane }),
  ]
  return { a, b, backplane, log }
}

const ping = (id: number) => ({ jsonrpc: '2.0', id, method: 'ping' })

const head = {
  method: 'POST',
  path: '/messages',
  querystring: 'sessionId=x',
  prefix: '',
  headers: { 'content-type': 'application/json' },
  hasBody: true,
}
const mails: object[] = [
  { kind: 'request', relayId: 1, request: head },
  { kind: 'taken', relayId: 1, bytes: 10 },
  { kind: 'left', relayId: 1 },
  { kind: 'answer', relayId: 1, status: 200, headers: {}, hasBody: true, contentType: 'text/plain' },
  { kind: 'stream', relayId: 1, headers: {}, chunked: false },
  { kind: 'frames', relayId: 1 },
  { kind: 'end', relayId: 1 },
  { kind: 'cut', relayId: 1 },
  { kind: 'reset' },
]

/** Mail with one field, at any depth, that it must not have. */
const wrongMail = fc
  .tuple(
    fc.constantFrom(...mails),
    fc.nat(),
    fc.oneof(fc.constantFrom(null, [], {}, -1, 1e9, NaN, '', 'x\n', '__proto__'), fc.jsonValue()),
  )
  .map(([mail, where, value]) => {
    const changed = structuredClone(mail) as Record<string, any>
    const nested = changed['request'] as Record<string, unknown> | undefined
    const target = nested !== undefined && where % 2 === 0 ? nested : changed
    const keys = Object.keys(target)
    target[keys[where % keys.length]!] = value
    return Buffer.from(`${JSON.stringify(changed)}\n`)
  })

test('no mail of another node ends a node or its service', async () => {
  const { a, b, backplane } = await startCluster()
  const client = await connectRaw(a.url)
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc.jsonValue().map((value) => Buffer.from(`${JSON.stringify(value)}\n{}`)),
    wrongMail,
  )
  fc.assert(
    fc.property(bytes, fc.string(), (mail, from) => {
      for (const node of backplane.members) expect(() => node.receive(from, mail)).not.toThrow()
    }),
    { numRuns: 2_000 },
  )
  const deep = Buffer.from(`${'['.repeat(100_000)}\n`)
  for (const node of backplane.members) node.receive('elsewhere', deep)
  // Through the other node, so that mail goes both ways.
  const endpoint = new URL(client.endpoint)
  expect((await post(`${b.url}${endpoint.pathname}${endpoint.search}`, ping(1))).status).toBe(202)
  await client.reader.until(() => client.reader.events.some(({ data }) => data.includes('"id":1')))
})

test('mail that is none is logged with its start, and dropped', async () => {
  const { backplane, log } = await startCluster()
  backplane.members[0]!.receive(
    'n1',
    Buffer.from(`{"kind":"request","relayId":1,"request":null}\n${'x'.repeat(1e6)}`),
  )
  const [line] = log.of('warn')
  expect(line).toMatchObject({
    message: 'another node has sent something that is no mail',
    fields: {
      from: 'n1',
      start: expect.stringMatching(/^\{"kind":"request","relayId":1,"request":null\}\nx{1,200}$/),
    },
  })
})

test('a body nested too deep for a session at another node is refused with 400', async () => {
  const { a, b, backplane } = await startCluster()
  const client = await connectRaw(a.url)
  const endpoint = new URL(client.endpoint)
  const elsewhere = `${b.url}${endpoint.pathname}${endpoint.search}`
  const nested = `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`
  const answer = await post(elsewhere, nested)
  expect([answer.status, await answer.json()]).toMatchObject([
    400,
    { error: { code: -32600, message: 'A message must not be nested more than 100 deep' } },
  ])
  // Where the session lives, the bounds hold for what another node sends, too.
  expect((await post(elsewhere, ping(2))).status).toBe(202)
  const sent = backplane.mail.find((mail) => Buffer.from(mail).includes('"kind":"request"'))!
  const [line] = Buffer.from(sent).toString().split('\n') as [string]
  backplane.mail.length = 0
  backplane.members[0]!.receive(backplane.members[1]!.node, Buffer.from(`${line}\n${nested}`))
  while (!backplane.mail.some((mail) => Buffer.from(mail).includes('nested more than 100 deep')))
    await new Promise(setImmediate)
  expect(Buffer.from(backplane.mail[0]!).toString()).toContain('"status":400')
})
