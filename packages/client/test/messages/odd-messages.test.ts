import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { defer } from '@tidings/testkit/disposers'
import { Inbox } from '@tidings/testkit/inbox'
import { Log } from '@tidings/testkit/log'
import { ProtocolError } from '../../src/index.ts'
import { connected, fakeHttpSse } from '../harness/harness.ts'

/** A server of Streamable HTTP that answers `tools/list` with a text, in which `ID` stands for the id. */
async function answering(toolsList: string, type = 'application/json'): Promise<string> {
  const http = createServer((request, response) => {
    let body = ''
    request.on('data', (data) => (body += data))
    request.on('end', () => {
      if (body === '') return void response.writeHead(405).end()
      const { id, method } = JSON.parse(body) as { id?: number; method: string }
      if (id === undefined) return void response.writeHead(202).end()
      const result = {
        protocolVersion: '2025-11-25',
        capabilities: { tools: [] },
        serverInfo: { name: 'x', version: null },
      }
      const initialized = JSON.stringify({ jsonrpc: '2.0', id, result })
      response.setHeader('Content-Type', method === 'initialize' ? 'application/json' : type)
      response.end(method === 'initialize' ? initialized : toolsList.replaceAll('ID', String(id)))
    })
  }).listen(0, '127.0.0.1')
  defer(http, () => {
    http.closeAllConnections()
    http.close()
  })
  await new Promise((resolve) => http.once('listening', resolve))
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`
}

const good = '{"name":"good","inputSchema":{"type":"object"}}'
const transport = 'streamable-http'

test('a tool that is none is left out, with a warning that names it', async () => {
  const tools = `[${good},{"name":"bad","inputSchema":{"type":"string"}},{"name":"fine","title":null,"inputSchema":{"properties":[]}}]`
  const logger = new Log()
  const url = await answering(`{"jsonrpc":"2.0","id":ID,"result":{"tools":${tools},"nextCursor":null}}`)
  const client = await connected(url, { transport, logger })
  expect(await client.listTools()).toEqual([
    { name: 'good', inputSchema: { type: 'object' } },
    { name: 'fine', inputSchema: { type: 'object', properties: {} } },
  ])
  expect(logger.of('warn').map(({ message, fields }) => [message, fields.leftOut])).toEqual([
    [
      'Invalid result of initialize: the wrong parts were left out',
      ['serverInfo.version: expected string, received null'],
    ],
    [
      'Invalid result of tools/list: the wrong parts were left out',
      ['tools.1 "bad": inputSchema.type: expected "object", received "string"'],
    ],
  ])
})

test.each([
  ['with its id as a string', `{"jsonrpc":"2.0","id":"ID","result":{"tools":[${good}]}}`, undefined],
  ['in an array', `[{"jsonrpc":"2.0","id":ID,"result":{"tools":[${good}]}}]`, undefined],
  ['as text', `{"jsonrpc":"2.0","id":ID,"result":{"tools":[${good}]}}`, 'text/plain'],
  [
    'in a stream, with its id as a string',
    `data: {"jsonrpc":"2.0","id":"ID","result":{"tools":[${good}]}}\n\n`,
    'text/event-stream',
  ],
])('a response %s is taken', async (_, answer, type) => {
  const client = await connected(await answering(answer, type), { transport })
  expect(await client.listTools()).toHaveLength(1)
})

const zeros = (count: number) => `[${'0,'.repeat(count - 1)}0]`

test.each([
  [
    '16 MB of wrong tools',
    `{"jsonrpc":"2.0","id":ID,"result":{"tools":${zeros(8_000_000)}}}`,
    'application/json',
    'must not hold more than',
  ],
  [
    '16 MB of wrong tools in a stream',
    `data: {"jsonrpc":"2.0","id":ID,"result":{"tools":${zeros(8_000_000)}}}\n\n`,
    'text/event-stream',
    'must not hold more than',
  ],
  [
    'as many wrong tools as a message may hold',
    `{"jsonrpc":"2.0","id":ID,"result":{"tools":${zeros(1_000_000)}}}`,
    'application/json',
    'tools.100: expected object',
  ],
  [
    'a result nested too deep',
    `{"jsonrpc":"2.0","id":ID,"result":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_001)}`,
    'application/json',
    'nested more than 100 deep',
  ],
])(
  '%s end the call, and cost no more than to read them',
  async (_, answer, type, reason) => {
    const client = await connected(await answering(answer, type), { transport })
    const began = process.cpuUsage()
    const error = await client.listTools().catch((error: unknown) => error)
    expect(error).toBeInstanceOf(ProtocolError)
    expect((error as Error).message).toContain(reason)
    expect((error as Error).message.length).toBeLessThan(1_000)
    // The server writes it in the same process.
    expect(process.cpuUsage(began).user).toBeLessThan(3_000_000)
  },
  30_000,
)

test('a change is heard, whatever stands beside it', async () => {
  const server = await fakeHttpSse()
  const client = await connected(server.url)
  const heard = new Inbox<unknown>()
  client.on('notifications/resources/updated', (params) => heard.push(params))
  client.on('notifications/tools/list_changed', (params) => heard.push(params))
  for (const _meta of [null, [], 5])
    server.send({ method: 'notifications/resources/updated', params: { uri: 'x://1', _meta } })
  for (const params of [null, [], 'x', [1]])
    server.send({ method: 'notifications/tools/list_changed', params })
  await client.ping()
  expect(heard.all).toEqual([
    { uri: 'x://1' },
    { uri: 'x://1', _meta: {} },
    { uri: 'x://1' },
    undefined,
    {},
    undefined,
    undefined,
  ])
})
