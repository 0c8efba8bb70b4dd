import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { changesOf } from '../../harness/internals.ts'
import { defer } from '@tidings/testkit/disposers'
import { start } from '../../harness/start.ts'

/** A raw connection, and what came on it. */
class Line {
  text = ''
  /** How many pieces it came in. */
  pieces = 0
  ended = false
  readonly socket: Socket

  private constructor(port: number) {
    this.socket = defer(connect(port, '127.0.0.1'), (socket) => socket.destroy())
    this.socket.setEncoding('utf8')
    this.socket.on('data', (text: string) => {
      this.text += text
      this.pieces++
    })
    this.socket.on('end', () => (this.ended = true))
  }

  static async to(port: number): Promise<Line> {
    const line = new Line(port)
    await once(line.socket, 'connect')
    return line
  }

  send(head: string[], body = ''): void {
    this.socket.write([...head, 'Host: 127.0.0.1', `Content-Length: ${body.length}`, '', body].join('\r\n'))
  }

  async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.text)) await once(this.socket, 'data')
  }

  async untilEnded(): Promise<void> {
    if (!this.ended) await once(this.socket, 'end')
  }
}

const stream = (version: string) => [`GET /sse?client_id=${id} ${version}`, 'Accept: text/event-stream']
const post = (path: string) => [
  `POST ${path} HTTP/1.1`,
  'Accept: text/event-stream, application/json',
  'Content-Type: application/json',
]
const id = '5f0c6a2e-6b6d-4d0b-9a55-0b0c2f6a7d11'

test.each(['HTTP/1.1', 'HTTP/1.0'])(
  'a stream that lasts is not sent in chunks, and ends with its connection (%s)',
  async (version) => {
    const { port, server } = await start((server) => void server.resource('demo://it', {}, () => 'it'))
    const reader = await Line.to(port)
    reader.send(stream(version))
    await reader.until(/id: .*\n\n/)
    expect(reader.text).toMatch(/^Connection: close$/im)
    expect(reader.text).not.toMatch(/^Transfer-Encoding/im)
    server.listChanged('tools')
    await reader.until(/tools\/list_changed"}\n\n$/)
    const [, body] = reader.text.split('\r\n\r\n')
    expect(body).not.toContain('\r')
    await server.close({ deadlineMs: 0 })
    await reader.untilEnded()
    expect(reader.text).toMatch(/: server stopping\n\n$/)
  },
)

test('changes of one tick arrive in one piece, in order, each with its id', async () => {
  const uris = Array.from({ length: 20 }, (_, i) => `demo://${i}`)
  const { port, server, url } = await start((server) => {
    for (const uri of uris) server.resource(uri, {}, () => uri)
  })
  const reader = await Line.to(port)
  reader.send(stream('HTTP/1.1'))
  await reader.until(/id: .*\n\n/)
  for (const [i, uri] of uris.entries()) {
    await fetch(`${url}/mcp?client_id=${id}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: i, method: 'resources/subscribe', params: { uri } }),
    })
  }
  const before = reader.pieces
  for (const uri of uris) server.changed(uri)
  await reader.until(/"uri":"demo:\/\/19"}}\n\n$/)
  expect(reader.pieces - before).toBe(1)
  const told = [...reader.text.matchAll(/^id: .*\.(\d+)\nevent: message\ndata: .*"uri":"(.*)"/gm)]
  expect(told.map(([, , uri]) => uri)).toEqual(uris)
  const positions = told.map(([, position]) => Number(position))
  expect(positions).toEqual(positions.map((_, i) => positions[0]! + i))
})

test('more changes in one tick than a socket takes are told by state', async () => {
  const { port, server, url } = await start((server) => {
    server.resource('demo://often', {}, () => 'it')
  })
  const reader = await Line.to(port)
  reader.send(stream('HTTP/1.1'))
  await reader.until(/id: .*\n\n/)
  await fetch(`${url}/mcp?client_id=${id}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
    body: '{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"demo://often"}}',
  })
  const changes = 200_000
  for (let i = 0; i < changes; i++) server.changed('demo://often')
  const last = changesOf(server).seq
  await reader.until(new RegExp(`\\.${last}\\nevent: message\\n.*\\n\\n$`))
  const told = [...reader.text.matchAll(/^id: .*\.(\d+)\nevent/gm)].map(([, position]) => Number(position))
  expect(told.length).toBeLessThan(changes)
  expect(told).toEqual([...new Set(told)].sort((a, b) => a - b))
})

test('the stream that answers one request is sent in chunks, and its connection carries the next one', async () => {
  const { port } = await start((server) => {
    server.tool('work', {}, (_args, { progress }) => {
      progress({ progress: 1 })
      return { content: [] }
    })
  })
  const line = await Line.to(port)
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
    progressToken: 1,
  }
  const head = [
    ...post('/mcp'),
    'MCP-Protocol-Version: 2026-07-28',
    'Mcp-Method: tools/call',
    'Mcp-Name: work',
  ]
  for (const id of [1, 2]) {
    const params = { name: 'work', _meta }
    line.send(head, JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params }))
    await line.until(new RegExp(`"id":${id},"result"[^]*\\r\\n0\\r\\n\\r\\n$`))
  }
  expect(line.text.match(/^Transfer-Encoding: chunked$/gim)).toHaveLength(2)
  expect(line.text).not.toMatch(/^Connection: close$/im)
})
