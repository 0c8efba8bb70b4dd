import * as z from 'zod'
import { McpServer } from '../../src/index.ts'
import { connectRaw, type RawClient } from '../harness/raw-client.ts'
import { start } from '../harness/start.ts'

const newServer = () => new McpServer({ name: 'test', version: '1.2.3' })
const say = (text: string) => ({
  messages: [{ role: 'user' as const, content: { type: 'text' as const, text } }],
})

const get = (client: RawClient, name: string, args?: object) =>
  client.request('prompts/get', { name, ...(args && { arguments: args }) })

test('a prompt is listed with all that was said of it, and its arguments', async () => {
  const options = {
    title: 'Review',
    description: 'Reviews a file',
    icons: [{ src: 'https://example.com/icon.png' }],
    _meta: { x: 1 },
  }
  const { url } = await start((server) => {
    const input = z.object({
      file: z.string().meta({ title: 'File', description: 'Which one' }),
      tone: z.enum(['kind', 'blunt']).default('kind'),
      note: z.string().optional(),
    })
    server.prompt('review', { ...options, input }, () => say(''))
    server.prompt('plain', {}, () => say(''))
    server.prompt(
      'json',
      { input: { type: 'object', properties: { a: { type: 'string' }, b: true }, required: ['a'] } },
      () => say(''),
    )
  })
  const client = await connectRaw(url)
  expect((await client.request('prompts/list')).result).toEqual({
    prompts: [
      {
        name: 'review',
        ...options,
        arguments: [
          { name: 'file', title: 'File', description: 'Which one', required: true },
          { name: 'tone', required: false },
          { name: 'note', required: false },
        ],
      },
      { name: 'plain' },
      {
        name: 'json',
        arguments: [
          { name: 'a', required: true },
          { name: 'b', required: false },
        ],
      },
    ],
  })
})

test('a prompt is made of its arguments as the schema made them, and typed', async () => {
  const { url } = await start((server) => {
    const input = z.object({ count: z.coerce.number<string>().int(), tone: z.string().default('kind') })
    server.prompt('p', { input }, async ({ count, tone }, { client, requestId }) => {
      const doubled: number = count * 2
      const text: string = tone
      return { description: `${client.revision} ${requestId}`, ...say(`${doubled} ${text}`) }
    })
  })
  const { result } = await get(await connectRaw(url), 'p', { count: '21' })
  expect(result).toEqual({
    description: '2024-11-05 2',
    messages: [{ role: 'user', content: { type: 'text', text: '42 kind' } }],
  })
})

test('messages may hold images, audio and resources, and be the assistant’s', async () => {
  const messages = [
    { role: 'user' as const, content: { type: 'image' as const, data: 'AA==', mimeType: 'image/png' } },
    { role: 'user' as const, content: { type: 'audio' as const, data: 'AA==', mimeType: 'audio/wav' } },
    {
      role: 'user' as const,
      content: {
        type: 'resource' as const,
        resource: { uri: 'test://x', text: 'x', mimeType: 'text/plain' },
      },
    },
    { role: 'assistant' as const, content: { type: 'resource_link' as const, uri: 'test://x', name: 'x' } },
  ]
  const { url } = await start((server) => server.prompt('rich', {}, () => ({ messages })))
  expect((await get(await connectRaw(url), 'rich')).result).toEqual({ messages })
})

test('arguments that do not fit are invalid params, with every fault', async () => {
  const { url } = await start((server) =>
    server.prompt('p', { input: z.object({ a: z.string(), b: z.enum(['x', 'y']) }) }, () => say('')),
  )
  const client = await connectRaw(url)
  expect((await get(client, 'p', { b: 'z' })).error).toEqual({
    code: -32602,
    message: expect.stringMatching(/^The arguments of p do not fit: a: .*; b: /),
  })
  expect((await get(client, 'p')).error.code).toBe(-32602)
  expect((await get(client, 'p', { a: 7, b: 'x' })).error.code).toBe(-32602)
})

test('an unknown prompt is invalid params, whatever its name', async () => {
  const { url } = await start()
  const client = await connectRaw(url)
  for (const name of ['nope', '', '__proto__', 'toString'])
    expect((await get(client, name)).error).toEqual({ code: -32602, message: `Unknown prompt: ${name}` })
})

test('updating and removing a prompt changes the list, and is announced', async () => {
  const { url, server } = await start()
  const client = await connectRaw(url)
  const changes = () =>
    client.messages.filter(({ method }) => method === 'notifications/prompts/list_changed').length
  const { update, remove } = server.prompt('p', { title: 'P', input: z.object({ a: z.string() }) }, () =>
    say(''),
  )
  await client.reader.until(() => changes() === 1)
  update({ description: 'New' })
  await client.reader.until(() => changes() === 2)
  expect((await client.request('prompts/list')).result.prompts).toEqual([
    { name: 'p', title: 'P', description: 'New', arguments: [{ name: 'a', required: true }] },
  ])
  remove()
  await client.reader.until(() => changes() === 3)
  remove()
  expect((await client.request('prompts/list')).result).toEqual({ prompts: [] })
  expect(changes()).toBe(3)
})

test('a name that is taken, and a completion of what is no argument, are refused', () => {
  const server = newServer()
  server.prompt('p', {}, () => say(''))
  expect(() => server.prompt('p', {}, () => say(''))).toThrow(/The prompt "p" is registered already/)
  const complete = { b: () => [] }
  const input = z.object({ a: z.string() })
  expect(() => server.prompt('q', { input, complete }, () => say(''))).toThrow(
    new TypeError('The prompt "q" has no argument b to complete'),
  )
  expect(() => server.prompt('q', { complete }, () => say(''))).toThrow(TypeError)
  expect(() => server.prompt('q', { input: z.string() as never }, () => say(''))).toThrow(
    /must describe an object/,
  )
})

test('what a prompt returns is checked by its types', () => {
  const server = newServer()
  // @ts-expect-error there is no role "system"
  server.prompt('a', {}, () => ({ messages: [{ role: 'system', content: { type: 'text', text: '' } }] }))
  // @ts-expect-error the schema has no such argument
  server.prompt('b', { input: z.object({ a: z.string() }) }, ({ b }) => say(String(b)))
  expect(server).toBeDefined()
})
