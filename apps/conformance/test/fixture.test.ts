import { connect } from '@tidings/client'
import type { Client, Handlers } from '@tidings/client'
import { type Serving, serve } from '@tidings/server'
import { fixture } from '../src/fixture.ts'
import { jsonSchema202012 } from '../src/json-schema.ts'
import { redPixel, silence } from '../src/samples.ts'

const server = fixture()
const asked: Parameters<NonNullable<Handlers['elicit']>>[0][] = []
let running: Serving
let client: Client

beforeAll(async () => {
  running = await serve(server, { port: 0 })
  client = await connect(`${running.url}/sse`, {
    transport: 'http+sse',
    handlers: {
      sample: async ({ messages }) => ({
        role: 'assistant',
        content: { type: 'text', text: `answer to ${JSON.stringify(messages)}` },
        model: 'none',
      }),
      elicit: async (params) => {
        asked.push(params)
        return { action: 'accept', content: { name: 'Jane' } }
      },
    },
  })
})

afterAll(async () => {
  await client.close()
  await running.close()
})

const text = (words: string) => ({ content: [{ type: 'text', text: words }] })
const image = { type: 'image', data: redPixel, mimeType: 'image/png' }

test.each<[string, Record<string, unknown>, unknown]>([
  ['test_simple_text', {}, text('This is a simple text response for testing.')],
  ['test_image_content', {}, { content: [image] }],
  ['test_audio_content', {}, { content: [{ type: 'audio', data: silence, mimeType: 'audio/wav' }] }],
  [
    'test_embedded_resource',
    {},
    {
      content: [
        {
          type: 'resource',
          resource: {
            uri: 'test://embedded-resource',
            mimeType: 'text/plain',
            text: 'This is an embedded resource content.',
          },
        },
      ],
    },
  ],
  [
    'test_multiple_content_types',
    {},
    {
      content: [
        { type: 'text', text: 'Multiple content types test:' },
        image,
        {
          type: 'resource',
          resource: {
            uri: 'test://mixed-content-resource',
            mimeType: 'application/json',
            text: '{"test":"data","value":123}',
          },
        },
      ],
    },
  ],
  [
    'test_error_handling',
    {},
    { ...text('This tool intentionally returns an error for testing'), isError: true },
  ],
  [
    'test_sampling',
    { prompt: 'Why?' },
    text('LLM response: answer to [{"role":"user","content":{"type":"text","text":"Why?"}}]'),
  ],
  ['test_elicitation', { message: 'Who?' }, text('User response: action=accept, content={"name":"Jane"}')],
  [
    'test_elicitation_sep1034_defaults',
    {},
    text(
      'Elicitation completed: action=accept, content={"name":"Jane","age":30,"score":95.5,"status":"active","verified":true}',
    ),
  ],
  [
    'test_elicitation_sep1330_enums',
    {},
    text('Elicitation completed: action=accept, content={"name":"Jane"}'),
  ],
  [
    'json_schema_2020_12_tool',
    { phone: '1', contactMethod: 'phone' },
    text('{"phone":"1","contactMethod":"phone"}'),
  ],
])('the tool %s answers what the suite asks for', async (name, args, expected) => {
  expect(await client.callTool(name, args)).toEqual(expected)
})

test('every tool is listed with a description, and the first one takes no arguments', async () => {
  const tools = await client.listTools()
  expect(tools.filter((tool) => !tool.description)).toEqual([])
  expect(await client.callTool(tools[0]!.name)).toEqual(text('This is a simple text response for testing.'))
})

test('the JSON Schema of 2020-12 is listed as it was written, and arguments are checked by it', async () => {
  const tools = await client.listTools()
  const tool = tools.find(({ name }) => name === 'json_schema_2020_12_tool')
  expect(tool?.inputSchema).toEqual(jsonSchema202012)
  expect((await client.callTool('json_schema_2020_12_tool', { contactMethod: 'phone' })).isError).toBe(true)
})

test('the logging tool sends three messages', async () => {
  await client.setLogLevel('debug')
  const messages: unknown[] = []
  const off = client.on('notifications/message', ({ level, data }) => messages.push([level, data]))
  await client.callTool('test_tool_with_logging')
  off()
  expect(messages).toEqual([
    ['info', 'Tool execution started'],
    ['info', 'Tool processing data'],
    ['info', 'Tool execution completed'],
  ])
})

test('the progress tool tells of three steps', async () => {
  const steps: unknown[] = []
  await client.callTool(
    'test_tool_with_progress',
    {},
    { onProgress: ({ progress, total }) => steps.push([progress, total]) },
  )
  expect(steps).toEqual([
    [0, 100],
    [50, 100],
    [100, 100],
  ])
})

test('the form of each elicitation has the fields the suite names', async () => {
  asked.length = 0
  await client.callTool('test_elicitation', { message: 'Who?' })
  await client.callTool('test_elicitation_sep1034_defaults')
  await client.callTool('test_elicitation_sep1330_enums')
  const [plain, defaults, enums] = asked.map(
    (params) => 'requestedSchema' in params && params.requestedSchema,
  )
  expect(plain).toMatchObject({
    properties: { username: { type: 'string' }, email: { type: 'string' } },
    required: ['username', 'email'],
  })
  expect(defaults).toMatchObject({
    properties: {
      name: { type: 'string', default: 'John Doe' },
      age: { type: 'integer', default: 30 },
      score: { type: 'number', default: 95.5 },
      status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
      verified: { type: 'boolean', default: true },
    },
  })
  const options = [
    { const: 'value1', title: 'First Option' },
    { const: 'value2', title: 'Second Option' },
    { const: 'value3', title: 'Third Option' },
  ]
  const choices = options.map((option) => ({ ...option, title: option.title.replace('Option', 'Choice') }))
  expect(enums).toMatchObject({
    properties: {
      untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
      titledSingle: { type: 'string', oneOf: options },
      legacyEnum: {
        type: 'string',
        enum: ['opt1', 'opt2', 'opt3'],
        enumNames: ['Option One', 'Option Two', 'Option Three'],
      },
      untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
      titledMulti: { type: 'array', items: { anyOf: choices } },
    },
  })
})

test.each([
  [
    'test://static-text',
    { mimeType: 'text/plain', text: 'This is the content of the static text resource.' },
  ],
  ['test://static-binary', { mimeType: 'image/png', blob: redPixel }],
  ['test://watched-resource', { mimeType: 'text/plain', text: 'Watched resource content' }],
  [
    'test://template/123/data',
    { mimeType: 'application/json', text: '{"id":"123","templateTest":true,"data":"Data for ID: 123"}' },
  ],
])('the resource %s reads as the suite asks for', async (uri, contents) => {
  expect(await client.readResource(uri)).toEqual({ contents: [{ uri, ...contents }] })
})

test('every resource, template and prompt is listed with a name and a description', async () => {
  const listed = [
    ...(await client.listResources()),
    ...(await client.listResourceTemplates()),
    ...(await client.listPrompts()),
  ]
  expect(listed).toHaveLength(3 + 1 + 5)
  expect(listed.filter(({ name, description }) => !name || !description)).toEqual([])
})

test('who subscribed to the watched resource hears of its update', async () => {
  const uri = 'test://watched-resource'
  await client.subscribe(uri)
  const updated = new Promise((resolve) => client.on('notifications/resources/updated', resolve))
  server.changed(uri)
  expect(await updated).toEqual({ uri })
  await client.unsubscribe(uri)
})

const says = (words: string) => ({ role: 'user', content: { type: 'text', text: words } })

test.each<[string, Record<string, string> | undefined, unknown[]]>([
  ['test_simple_prompt', undefined, [says('This is a simple prompt for testing.')]],
  [
    'test_prompt_with_arguments',
    { arg1: 'testValue1', arg2: 'testValue2' },
    [says("Prompt with arguments: arg1='testValue1', arg2='testValue2'")],
  ],
  [
    'test_prompt_with_embedded_resource',
    { resourceUri: 'test://example-resource' },
    [
      {
        role: 'user',
        content: {
          type: 'resource',
          resource: {
            uri: 'test://example-resource',
            mimeType: 'text/plain',
            text: 'Embedded resource content for testing.',
          },
        },
      },
      says('Please process the embedded resource above.'),
    ],
  ],
  [
    'test_prompt_with_image',
    undefined,
    [{ role: 'user', content: image }, says('Please analyze the image above.')],
  ],
])('the prompt %s says what the suite asks for', async (name, args, messages) => {
  expect((await client.getPrompt(name, args)).messages).toEqual(messages)
})

test('an argument of a prompt completes', async () => {
  const { completion } = await client.complete({
    ref: { type: 'ref/prompt', name: 'test_prompt_with_arguments' },
    argument: { name: 'arg1', value: 'test' },
  })
  expect(completion.values).toEqual(['testValue1', 'testValue2', 'testValue3'])
})
