import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { freePort } from '@tidings/testkit/free-port'
import { Inbox } from '@tidings/testkit/inbox'
import { rejection } from '@tidings/testkit/rejection'
import { type Client, connect, McpError } from '../../src/index.ts'

const text = (result: { content: { type: string }[] }) =>
  (result.content[0] as { type: string; text?: string }).text

describe.each([
  ['sse', '/sse', 'http+sse'],
  ['streamableHttp', '/mcp', 'streamable-http'],
])('over %s', (mode, path, transport) => {
  let server: ChildProcess
  let client: Client
  const asked = new Inbox<unknown>()

  beforeAll(async () => {
    const port = await freePort()
    const main = createRequire(import.meta.url).resolve(
      '@modelcontextprotocol/server-everything/dist/index.js',
    )
    server = spawn(process.execPath, [main, mode], {
      env: { ...process.env, PORT: String(port) },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    for await (const line of createInterface(server.stderr!)) if (line.includes('on port')) break
    server.stderr!.resume()
    client = await connect(`http://127.0.0.1:${port}${path}`, {
      handlers: {
        sample: (params) => {
          asked.push(params)
          return { role: 'assistant', content: { type: 'text', text: 'sampled' }, model: 'none' }
        },
        elicit: (params) => {
          asked.push(params)
          return { action: 'accept', content: { name: 'Ada' } }
        },
        roots: () => [{ uri: 'file:///home/ada', name: 'home' }],
      },
    })
  }, 20_000)

  afterAll(async () => {
    await client?.close()
    server.kill()
    await once(server, 'exit')
  })

  test('it says who it is', () => {
    expect(client.transport).toBe(transport)
    expect(client.serverInfo.name).toBe('mcp-servers/everything')
    expect(client.revision).toBe('2025-11-25')
    expect(client.instructions).toMatch('Everything Server')
  })

  test('tools are listed and called', async () => {
    const names = (await client.listTools()).map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['echo', 'get-sum', 'trigger-sampling-request']))
    expect(text(await client.callTool('echo', { message: 'hello' }))).toBe('Echo: hello')
    expect(text(await client.callTool('get-sum', { a: 2, b: 3 }))).toMatch('5')
    const { structuredContent } = await client.callTool('get-structured-content', { location: 'Chicago' })
    expect(structuredContent).toMatchObject({ temperature: expect.any(Number) as unknown })
    const { content } = await client.callTool('get-tiny-image')
    expect(content).toContainEqual(expect.objectContaining({ type: 'image', mimeType: 'image/png' }))
  })

  test('a tool that gets wrong arguments says so in its result', async () => {
    expect(await client.callTool('get-sum', { a: 'two' })).toMatchObject({ isError: true })
  })

  test('a large message arrives whole', async () => {
    const message = 'äöü🙂'.repeat(100_000)
    expect(text(await client.callTool('echo', { message }))).toBe(`Echo: ${message}`)
  })

  test('progress arrives while a tool runs', async () => {
    const heard: number[] = []
    const onProgress = ({ progress }: { progress: number }) => heard.push(progress)
    const result = await client.callTool(
      'trigger-long-running-operation',
      { duration: 0.4, steps: 4 },
      { onProgress },
    )
    expect(text(result)).toMatch('Long running operation completed')
    expect(heard).toEqual([1, 2, 3, 4])
  })

  test('a call can be cancelled', async () => {
    const abort = new AbortController()
    const options = { signal: abort.signal, onProgress: () => abort.abort(new Error('enough')) }
    const call = client.callTool('trigger-long-running-operation', { duration: 5, steps: 50 }, options)
    expect(await rejection(call)).toMatchObject({ message: 'enough' })
    await client.ping()
  })

  test('resources and templates are listed and read', async () => {
    const resources = await client.listResources()
    const document = resources.find(({ uri }) => uri.startsWith('demo://resource/static/document/'))!
    const [contents] = (await client.readResource(document.uri)).contents
    expect(contents).toMatchObject({ uri: document.uri, text: expect.any(String) as unknown })
    const templates = await client.listResourceTemplates()
    expect(templates.map(({ uriTemplate }) => uriTemplate)).toContain(
      'demo://resource/dynamic/text/{resourceId}',
    )
    const [dynamic] = (await client.readResource('demo://resource/dynamic/text/1')).contents
    expect(dynamic).toMatchObject({ text: expect.stringContaining('Resource 1') as unknown })
    expect(await rejection(client.readResource('demo://resource/none'))).toBeInstanceOf(McpError)
  })

  test('a watched resource is read again when it is updated', async () => {
    const uri = 'demo://resource/dynamic/text/7'
    const watch = client.watch(uri)
    expect((await watch.next()).value?.contents[0]).toMatchObject({ uri })
    const updated = watch.next()
    await client.callTool('toggle-subscriber-updates')
    expect((await updated).value?.contents[0]).toMatchObject({ uri })
    await client.callTool('toggle-subscriber-updates')
    await watch.return!()
  }, 15_000)

  test('prompts are listed, filled in and completed', async () => {
    expect((await client.listPrompts()).map(({ name }) => name)).toContain('args-prompt')
    const { messages } = await client.getPrompt('args-prompt', { city: 'Lyon' })
    expect(messages[0]!.content).toMatchObject({ text: expect.stringContaining('Lyon') as unknown })
    const ref = { type: 'ref/prompt' as const, name: 'completable-prompt' }
    const { completion } = await client.complete({ ref, argument: { name: 'department', value: 'E' } })
    expect(completion.values).toEqual(['Engineering'])
  })

  test('log messages arrive from the level set', async () => {
    await client.setLogLevel('info')
    const heard = new Inbox<unknown>()
    client.on('notifications/message', (params) => heard.push(params))
    await client.subscribe('demo://resource/dynamic/text/9')
    expect(await heard.next()).toMatchObject({
      level: 'info',
      data: expect.stringContaining('text/9') as unknown,
    })
  })

  test('the server samples, elicits and lists roots', async () => {
    expect(text(await client.callTool('trigger-sampling-request', { prompt: 'say hi' }))).toMatch('sampled')
    expect(await asked.next()).toMatchObject({ maxTokens: 100 })
    const elicited = await client.callTool('trigger-elicitation-request')
    expect(await asked.next()).toMatchObject({ message: 'Please provide inputs for the following fields:' })
    const all = JSON.stringify(elicited.content)
    expect(all).toMatch('Ada')
    expect(all).toMatch('It was a dark and stormy night.')
    expect(text(await client.callTool('get-roots-list'))).toMatch('file:///home/ada')
  })
})
