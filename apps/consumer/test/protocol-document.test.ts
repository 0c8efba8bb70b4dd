import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { McpServer, serve, type Serving } from '@tidings/server'
import * as z from 'zod'
import { fences } from './code-blocks.ts'

/** What `<name>` stands for, once it has been seen. */
const known = new Map<string, string>()

/** Text with what is known of its placeholders filled in. */
const fill = (text: string) => text.replaceAll(/<(\w+)>/g, (whole, name: string) => known.get(name) ?? whole)

/** Expects the text to be as shown: `<name>` is any value at first and the same later, `…` is anything. */
function expectAsShown(actual: string, shown: string): void {
  const names: string[] = []
  const pattern = fill(shown)
    .trimEnd()
    .replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    .replaceAll('…', '.*')
    .replaceAll(/<(\w+)>/g, (_, name: string) => {
      if (names.includes(name)) return `\\k<${name}>`
      names.push(name)
      return `(?<${name}>[\\w-]+)`
    })
  const match = new RegExp(`^${pattern}$`).exec(actual.trimEnd())
  if (match === null) expect(actual.trimEnd()).toBe(fill(shown).trimEnd())
  for (const name of names) known.set(name, match!.groups![name]!)
}

/** The stream that was opened last, event by event. */
class Stream {
  readonly #response: IncomingMessage
  #text = ''

  constructor(response: IncomingMessage) {
    this.#response = response.setEncoding('utf8')
    this.#response.on('data', (text: string) => (this.#text += text))
  }

  async next(): Promise<string> {
    for (;;) {
      const end = this.#text.indexOf('\n\n')
      if (end === -1) {
        await once(this.#response, 'data')
        continue
      }
      const event = this.#text.slice(0, end)
      this.#text = this.#text.slice(end + 2)
      // A comment, as koa-sse-stream and the keep-alive write it.
      if (!event.startsWith(':')) return event
    }
  }
}

async function send(url: string, shown: string): Promise<{ response: IncomingMessage; expected: string }> {
  const [request, ...rest] = shown.split(/^(?=HTTP\/1\.1 )/m)
  const [head, ...body] = fill(request!).split('\n\n')
  const [line, ...fields] = head!.split('\n')
  const [method, path] = line!.split(' ')
  const headers = Object.fromEntries(
    fields.map((field) => field.split(/: (.*)/).slice(0, 2) as [string, string]),
  )
  const message = httpRequest(url + path, { method: method!, headers, agent: false })
  message.end(body.join('\n\n').trim())
  const [response] = (await once(message, 'response')) as [IncomingMessage]
  return { response, expected: rest.join('') }
}

let serving: Serving | undefined

afterAll(() => serving?.close({ deadlineMs: 0 }))

test('what PROTOCOL.md shows is what goes over the wire', async () => {
  const server = new McpServer({ name: 'greenhouse', version: '1.0.0' })
  let litresLeft = 40
  const climate = server.resource('greenhouse://climate', {}, () => ({ litresLeft }))
  server.tool('water', { input: z.object({ litres: z.number() }) }, ({ litres }, { progress }) => {
    progress({ progress: 1, total: 2 })
    litresLeft -= litres
    climate.changed()
    return { content: [{ type: 'text', text: `${litresLeft} l left` }] }
  })
  server.tool('where', {}, async (_args, { roots }) => ({
    content: [{ type: 'text', text: (await roots()).map(({ uri }) => uri).join() }],
  }))
  serving = await serve(server)
  let stream: Stream | undefined
  let shown = 0
  for (const { language, text } of await fences('PROTOCOL.md')) {
    const events = (body: string) => body.split('\n\n').filter((event) => event.trim() !== '')
    if (language === 'sse') {
      for (const event of events(text)) expectAsShown(await stream!.next(), event)
    } else {
      expect(language).toBe('http')
      const { response, expected } = await send(serving.url, text)
      const [head, ...body] = expected.split('\n\n')
      const [line, ...fields] = head!.trim().split('\n')
      expect(`HTTP/1.1 ${response.statusCode} ${response.statusMessage}`).toBe(line)
      for (const field of fields) {
        const [name] = field.split(':')
        expectAsShown(`${name}: ${String(response.headers[name!.toLowerCase()])}`, field)
      }
      if (response.headers['content-type'] === 'text/event-stream') {
        stream = new Stream(response)
        for (const event of events(body.join('\n\n'))) expectAsShown(await stream.next(), event)
      } else {
        let actual = ''
        for await (const chunk of response) actual += String(chunk)
        expectAsShown(actual, body.join('\n\n'))
      }
    }
    shown++
  }
  expect(shown).toBeGreaterThan(20)
})
