import {
  ErrorCode,
  LoggingMessageNotificationSchema,
  PromptListChangedNotificationSchema,
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import * as z from 'zod'
import { deferred } from '@tidings/testkit/deferred'
import { connectOfficial, textOf } from '../harness/official-client.ts'
import { start } from '../harness/start.ts'

test('it lists and calls tools, and checks their structured output against the schema it was listed', async () => {
  const { url } = await start((server) =>
    server.tool(
      'add',
      {
        title: 'Add',
        description: 'Adds two numbers',
        annotations: { readOnlyHint: true },
        input: z.object({ a: z.number(), b: z.number().default(1) }),
        output: z.object({ sum: z.number() }),
      },
      ({ a, b }) => ({ structuredContent: { sum: a + b } }),
    ),
  )
  const client = await connectOfficial(url)
  const { tools } = await client.listTools()
  expect(tools).toMatchObject([
    {
      name: 'add',
      title: 'Add',
      description: 'Adds two numbers',
      annotations: { readOnlyHint: true },
      inputSchema: { type: 'object', required: ['a'] },
      outputSchema: { type: 'object', required: ['sum'] },
    },
  ])
  const result = await client.callTool({ name: 'add', arguments: { a: 2 } })
  expect(result.structuredContent).toEqual({ sum: 3 })
  expect(JSON.parse(textOf(result))).toEqual({ sum: 3 })
})

test('a tool that fails, and arguments that do not fit, are results for the model to read', async () => {
  const { url } = await start((server) => {
    server.tool('fail', { output: z.object({ n: z.number() }) }, () => ({
      isError: true,
      content: [{ type: 'text', text: 'The valve is stuck' }],
    }))
    server.tool('water', { input: z.object({ litres: z.number() }) }, () => ({ content: [] }))
  })
  const client = await connectOfficial(url)
  await client.listTools()
  const failed = await client.callTool({ name: 'fail' })
  expect(failed.isError).toBe(true)
  expect(textOf(failed)).toBe('The valve is stuck')
  const refused = await client.callTool({ name: 'water', arguments: { litres: 'two' } })
  expect(refused.isError).toBe(true)
  expect(textOf(refused)).toMatch(/litres.*expected number, received string/)
})

test('it reads text, bytes and JSON, and lists resources and templates', async () => {
  const { url } = await start((server) => {
    server.resource('test://text', { mimeType: 'text/plain' }, () => 'hello')
    server.resource('test://blob', { mimeType: 'image/png' }, () => new Uint8Array([0, 255, 7]))
    server.resource('test://json', { title: 'Climate' }, () => ({ celsius: 21 }))
    server.template(
      'note:///{name}',
      { name: 'notes', list: () => [{ uri: 'note:///one', name: 'one' }] },
      ({ name }) => `note ${String(name)}`,
    )
  })
  const client = await connectOfficial(url)
  const { resources } = await client.listResources()
  expect(resources.map(({ uri }) => uri)).toEqual([
    'test://text',
    'test://blob',
    'test://json',
    'note:///one',
  ])
  const { resourceTemplates } = await client.listResourceTemplates()
  expect(resourceTemplates).toEqual([{ name: 'notes', uriTemplate: 'note:///{name}' }])
  const read = async (uri: string) => (await client.readResource({ uri })).contents
  expect(await read('test://text')).toEqual([{ uri: 'test://text', mimeType: 'text/plain', text: 'hello' }])
  expect(await read('test://blob')).toEqual([{ uri: 'test://blob', mimeType: 'image/png', blob: 'AP8H' }])
  expect(await read('test://json')).toEqual([
    { uri: 'test://json', mimeType: 'application/json', text: '{"celsius":21}' },
  ])
  expect(await read('note:///two')).toEqual([{ uri: 'note:///two', text: 'note two' }])
})

test('it subscribes, hears of each update, and of none after it unsubscribed', async () => {
  const { url, server } = await start((server) => {
    server.resource('test://a', {}, () => '')
    server.resource('test://b', {}, () => '')
  })
  const updated: string[] = []
  let heard = deferred()
  const client = await connectOfficial(url, {
    prepare: (client) =>
      client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
        updated.push(params.uri)
        heard.resolve()
      }),
  })
  await client.subscribeResource({ uri: 'test://a' })
  server.changed('test://b')
  server.changed('test://a')
  await heard.promise
  expect(updated).toEqual(['test://a'])
  await client.subscribeResource({ uri: 'test://b' })
  await client.unsubscribeResource({ uri: 'test://a' })
  heard = deferred()
  server.changed('test://a')
  server.changed('test://b')
  await heard.promise
  expect(updated).toEqual(['test://a', 'test://b'])
})

test('it hears that a list has changed when something is added to it at run time', async () => {
  const { url, server } = await start()
  const heard = { tools: deferred(), resources: deferred(), prompts: deferred() }
  const client = await connectOfficial(url, {
    prepare: (client) => {
      client.setNotificationHandler(ToolListChangedNotificationSchema, () => heard.tools.resolve())
      client.setNotificationHandler(ResourceListChangedNotificationSchema, () => heard.resources.resolve())
      client.setNotificationHandler(PromptListChangedNotificationSchema, () => heard.prompts.resolve())
    },
  })
  expect((await client.listTools()).tools).toEqual([])
  server.tool('late', {}, () => ({ content: [] }))
  server.resource('test://late', {}, () => '')
  server.prompt('late', {}, () => ({ messages: [] }))
  await Promise.all([heard.tools.promise, heard.resources.promise, heard.prompts.promise])
  expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['late'])
  expect((await client.listResources()).resources.map(({ uri }) => uri)).toEqual(['test://late'])
  expect((await client.listPrompts()).prompts.map(({ name }) => name)).toEqual(['late'])
})

test('it lists and gets prompts, and completes their arguments in the context of the others', async () => {
  const { url } = await start((server) =>
    server.prompt(
      'review',
      {
        description: 'Reviews a file',
        input: z.object({ repo: z.string().describe('Which one'), file: z.string().optional() }),
        complete: { file: (value, { arguments: { repo } }) => [`${repo}/a.ts`, `${value}!`] },
      },
      ({ repo, file = 'all' }) => ({
        messages: [{ role: 'user', content: { type: 'text', text: `Review ${file} of ${repo}` } }],
      }),
    ),
  )
  const client = await connectOfficial(url)
  expect((await client.listPrompts()).prompts).toEqual([
    {
      name: 'review',
      description: 'Reviews a file',
      arguments: [
        { name: 'repo', description: 'Which one', required: true },
        { name: 'file', required: false },
      ],
    },
  ])
  const { messages } = await client.getPrompt({ name: 'review', arguments: { repo: 'tidings' } })
  expect(messages).toEqual([{ role: 'user', content: { type: 'text', text: 'Review all of tidings' } }])
  const { completion } = await client.complete({
    ref: { type: 'ref/prompt', name: 'review' },
    argument: { name: 'file', value: 'b' },
    context: { arguments: { repo: 'tidings' } },
  })
  expect(completion).toEqual({ values: ['tidings/a.ts', 'b!'], total: 2, hasMore: false })
})

test('it hears log messages of the level it set, and of graver ones', async () => {
  const { url } = await start((server) =>
    server.tool('talk', {}, (_args, { log }) => {
      log('info', 'unheard')
      log('warning', { valve: 3 }, 'valves')
      log('emergency', 'on fire')
      return { content: [] }
    }),
  )
  const heard: unknown[] = []
  const client = await connectOfficial(url, {
    prepare: (client) =>
      client.setNotificationHandler(
        LoggingMessageNotificationSchema,
        ({ params }) => void heard.push(params),
      ),
  })
  await client.setLoggingLevel('warning')
  await client.callTool({ name: 'talk' })
  expect(heard).toEqual([
    { level: 'warning', logger: 'valves', data: { valve: 3 } },
    { level: 'emergency', data: 'on fire' },
  ])
})

test('what is unknown is answered with the error code of the specification', async () => {
  const { url } = await start()
  const client = await connectOfficial(url)
  await expect(client.callTool({ name: 'nope' })).rejects.toMatchObject({
    code: ErrorCode.InvalidParams,
    message: expect.stringContaining('Unknown tool: nope'),
  })
  await expect(client.getPrompt({ name: 'nope' })).rejects.toMatchObject({
    code: ErrorCode.InvalidParams,
    message: expect.stringContaining('Unknown prompt: nope'),
  })
  await expect(client.readResource({ uri: 'test://nope' })).rejects.toMatchObject({
    code: -32002,
    data: { uri: 'test://nope' },
  })
  await expect(client.subscribeResource({ uri: 'test://nope' })).rejects.toMatchObject({ code: -32002 })
  await expect(client.request({ method: 'nope/nope' }, z.object({}))).rejects.toMatchObject({
    code: ErrorCode.MethodNotFound,
  })
})
