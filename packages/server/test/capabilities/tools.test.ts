import * as z from 'zod'
import { Log } from '@tidings/testkit/log'
import {
  errorCodes,
  McpError,
  McpServer,
  type JsonSchema,
  type ObjectSchema,
  type ToolResult,
} from '../../src/index.ts'
import { connectRaw, type RawClient } from '../harness/raw-client.ts'
import { start } from '../harness/start.ts'

const nothing = (): ToolResult => ({ content: [] })
const newServer = () => new McpServer({ name: 'test', version: '1.2.3' })

async function call(client: RawClient, name: string, args?: object): Promise<any> {
  return client.request('tools/call', { name, ...(args && { arguments: args }) })
}

async function listed(client: RawClient): Promise<string[]> {
  return (await client.request('tools/list')).result.tools.map(({ name }: { name: string }) => name)
}

test('a tool is listed with all that was said of it', async () => {
  const options = {
    title: 'Water',
    description: 'Opens a valve',
    annotations: { destructiveHint: false, title: 'Old title' },
    icons: [{ src: 'https://example.com/icon.png', mimeType: 'image/png', sizes: ['48x48'] }],
    _meta: { 'example.com/x': 1 },
  }
  const { url } = await start((server) =>
    server.tool('water', { ...options, input: z.object({ litres: z.number().min(1) }) }, nothing),
  )
  const client = await connectRaw(url)
  const { result } = await client.request('tools/list')
  expect(result).toEqual({
    tools: [{ name: 'water', ...options, inputSchema: expect.objectContaining({ type: 'object' }) }],
  })
  expect(result.tools[0].inputSchema.properties).toEqual({ litres: { type: 'number', minimum: 1 } })
})

test('a tool without an input says that it takes no arguments, and ignores those that a host adds', async () => {
  const seen: unknown[] = []
  const { url } = await start((server) => server.tool('plain', {}, (args) => (seen.push(args), nothing())))
  const client = await connectRaw(url)
  expect((await client.request('tools/list')).result.tools).toEqual([
    { name: 'plain', inputSchema: { type: 'object', additionalProperties: false } },
  ])
  for (const args of [undefined, {}, { x: 1 }])
    expect((await call(client, 'plain', args)).result).toEqual({ content: [] })
  expect(seen).toEqual([{}, {}, {}])
})

test('arguments arrive as the schema made them, and typed', async () => {
  let seen: unknown
  const input = z.object({ litres: z.string().transform(Number), bed: z.string().default('north') })
  const { url } = await start((server) =>
    server.tool('water', { input }, (args) => {
      const litres: number = args.litres
      const bed: string = args.bed
      // @ts-expect-error the schema has no such argument
      seen = [litres, bed, args.valve]
      return { content: [] }
    }),
  )
  const client = await connectRaw(url)
  await call(client, 'water', { litres: '2.5', valve: 7 })
  expect(seen).toEqual([2.5, 'north', undefined])
})

test('a schema that checks asynchronously is waited for', async () => {
  const input = z.object({ name: z.string().refine(async (name) => name !== 'taken', 'is taken') })
  const { url } = await start((server) => server.tool('register', { input }, nothing))
  const client = await connectRaw(url)
  expect((await call(client, 'register', { name: 'free' })).result).toEqual({ content: [] })
  expect((await call(client, 'register', { name: 'taken' })).result).toEqual({
    isError: true,
    content: [
      { type: 'text', text: 'The arguments of register do not fit its input schema: name: is taken' },
    ],
  })
})

test('arguments that do not fit are answered with what is wrong, and never reach the handler', async () => {
  let calls = 0
  const zod = z.object({ a: z.number(), b: z.object({ c: z.array(z.string()) }) })
  const json = {
    type: 'object',
    properties: {
      a: { type: 'number' },
      b: { type: 'object', properties: { c: { items: { type: 'string' } } } },
    },
    required: ['a', 'b'],
  } satisfies JsonSchema
  const { url } = await start((server) => {
    for (const [name, input] of [
      ['zod', zod],
      ['json', json],
    ] as const) {
      server.tool<ObjectSchema>(name, { input }, () => {
        calls++
        return { content: [] }
      })
    }
  })
  const client = await connectRaw(url)
  const args = { a: 'x', b: { c: ['y', 7] } }
  expect((await call(client, 'zod', args)).result).toEqual({
    isError: true,
    content: [{ type: 'text', text: expect.stringMatching(/a: .*number.*; b\.c\.1: .*string/) }],
  })
  expect((await call(client, 'json', args)).result).toEqual({
    isError: true,
    content: [{ type: 'text', text: expect.stringMatching(/schema: \/a must be number$/) }],
  })
  expect((await call(client, 'json')).result.isError).toBe(true)
  expect(calls).toBe(0)
})

test('content that is left out beside structured content is its JSON text', async () => {
  const { url } = await start((server) => {
    server.tool('one', { output: z.object({ n: z.number() }) }, () => ({ structuredContent: { n: 1 } }))
    server.tool('two', { output: z.object({ n: z.number() }) }, () => ({
      structuredContent: { n: 2 },
      content: [{ type: 'text', text: 'two' }],
      _meta: { x: 1 },
    }))
  })
  const client = await connectRaw(url)
  expect((await call(client, 'one')).result).toEqual({
    content: [{ type: 'text', text: '{"n":1}' }],
    structuredContent: { n: 1 },
  })
  expect((await call(client, 'two')).result).toEqual({
    content: [{ type: 'text', text: 'two' }],
    structuredContent: { n: 2 },
    _meta: { x: 1 },
  })
})

test('structured content is sent as the output schema made it', async () => {
  const { url } = await start((server) =>
    server.tool('now', { output: z.object({ n: z.number(), unit: z.string().default('l') }) }, () => ({
      structuredContent: { n: 1, secret: 'x' },
    })),
  )
  const client = await connectRaw(url)
  const { tools } = (await client.request('tools/list')).result
  expect(tools[0].outputSchema.required).toEqual(['n', 'unit'])
  expect((await call(client, 'now')).result.structuredContent).toEqual({ n: 1, unit: 'l' })
})

test('a result that does not fit the output schema is an internal error, and logged', async () => {
  const logger = new Log()
  const { url } = await start(
    (server) => {
      const output = z.object({ n: z.number() })
      server.tool('wrong', { output }, () => ({ structuredContent: { n: 'x' } }) as never)
      server.tool('none', { output }, () => ({ content: [] }))
    },
    { logger },
  )
  const client = await connectRaw(url)
  for (const name of ['wrong', 'none'])
    expect((await call(client, name)).error).toEqual({
      code: -32603,
      message: expect.stringContaining(`What the tool ${name} returned does not fit its output schema`),
    })
  expect(logger.errors.map(({ message }) => message)).toEqual([
    expect.stringMatching(/^What the tool wrong returned does not fit its output schema: n: /),
    expect.stringMatching(/^What the tool none returned does not fit its output schema: /),
  ])
})

test('a tool that says it failed need not give its output', async () => {
  const { url } = await start((server) =>
    server.tool('fail', { output: z.object({ n: z.number() }) }, () => ({
      isError: true,
      content: [{ type: 'text', text: 'no water' }],
    })),
  )
  const { result } = await call(await connectRaw(url), 'fail')
  expect(result).toEqual({ isError: true, content: [{ type: 'text', text: 'no water' }] })
})

test('an McpError that a tool throws is the JSON-RPC error, as it is', async () => {
  const logger = new Log()
  const { url } = await start(
    (server) =>
      server.tool('refuse', {}, () => {
        throw new McpError(errorCodes.invalidParams, 'Not today', {
          data: { until: 'Monday' },
          cause: 'secret',
        })
      }),
    { logger },
  )
  const { error } = await call(await connectRaw(url), 'refuse')
  expect(error).toEqual({ code: -32602, message: 'Not today', data: { until: 'Monday' } })
  expect(logger.errors).toEqual([])
})

test('an unknown tool is an error that names it, whatever its name', async () => {
  const { url } = await start()
  const client = await connectRaw(url)
  for (const name of ['nope', '', 'constructor', '__proto__'])
    expect((await call(client, name)).error).toEqual({ code: -32602, message: `Unknown tool: ${name}` })
  expect((await call(client, 'x'.repeat(100_000))).error.message.length).toBeLessThan(300)
})

test('updating and removing a tool changes the list, and is announced', async () => {
  const { url, server } = await start()
  const client = await connectRaw(url)
  const changes = () =>
    client.messages.filter(({ method }) => method === 'notifications/tools/list_changed').length
  const tool = server.tool('a', { title: 'A', description: 'First' }, nothing)
  await client.reader.until(() => changes() === 1)
  const { update, remove } = tool
  update({ description: 'Second' })
  await client.reader.until(() => changes() === 2)
  expect((await client.request('tools/list')).result.tools[0]).toMatchObject({
    title: 'A',
    description: 'Second',
  })
  remove()
  await client.reader.until(() => changes() === 3)
  expect(await listed(client)).toEqual([])
  remove()
  expect((await call(client, 'a')).error.code).toBe(-32602)
  expect(changes()).toBe(3)
})

test('a handle of a tool that was removed does not touch the one that took its name', async () => {
  const { url, server } = await start()
  const old = server.tool('a', {}, nothing)
  old.remove()
  server.tool('a', {}, nothing)
  old.remove()
  expect(await listed(await connectRaw(url))).toEqual(['a'])
})

test('a name that is taken is refused', () => {
  const server = newServer()
  server.tool('a', {}, nothing)
  expect(() => server.tool('a', {}, nothing)).toThrow(new TypeError('The tool "a" is registered already'))
})

test('what a handler returns is checked by its types', () => {
  const server = newServer()
  const output = z.object({ n: z.number(), label: z.string().default('x') })
  server.tool('fits', { output }, () => ({ structuredContent: { n: 1 } }))
  server.tool('free', {}, () => ({ structuredContent: { anything: 'goes' } }))
  // @ts-expect-error n is a number
  server.tool('wrong', { output }, () => ({ structuredContent: { n: '1' } }))
  // @ts-expect-error a result has content
  server.tool('empty', {}, () => ({}))
  // @ts-expect-error an image has a media type
  server.tool('image', {}, () => ({ content: [{ type: 'image', data: '' }] }))
  server.tool('raw', { input: { type: 'object' } }, (args) => {
    const value: unknown = args.anything
    return { content: [{ type: 'text', text: String(value) }] }
  })
  expect(server).toBeDefined()
})
