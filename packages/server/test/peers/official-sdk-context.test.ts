import {
  CallToolResultSchema,
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ErrorCode,
  ListRootsRequestSchema,
  McpError as OfficialMcpError,
  UrlElicitationRequiredError,
} from '@modelcontextprotocol/sdk/types.js'
import { setTimeout } from 'node:timers/promises'
import { deferred } from '@tidings/testkit/deferred'
import { errorCodes, McpError } from '../../src/index.ts'
import type { Session } from '../../src/sessions/session.ts'
import { connectOfficial, textOf } from '../harness/official-client.ts'
import { start } from '../harness/start.ts'

test('it is told of progress, in order', async () => {
  const heard = deferred()
  const { url } = await start((server) =>
    server.tool('grow', {}, async (_args, { progress }) => {
      for (let i = 1; i <= 3; i++) progress({ progress: i, total: 3, message: `leaf ${i}` })
      await heard.promise // the SDK's client drops progress that arrives together with the answer
      return { content: [] }
    }),
  )
  const client = await connectOfficial(url)
  const told: unknown[] = []
  await client.callTool({ name: 'grow' }, CallToolResultSchema, {
    onprogress: (step) => {
      if (told.push(step) === 3) heard.resolve()
    },
  })
  expect(told).toEqual([
    { progress: 1, total: 3, message: 'leaf 1' },
    { progress: 2, total: 3, message: 'leaf 2' },
    { progress: 3, total: 3, message: 'leaf 3' },
  ])
})

test('progress keeps a request alive for longer than its time-out', async () => {
  const { url } = await start((server) =>
    server.tool('slow', {}, async (_args, { progress, signal }) => {
      for (let i = 1; i <= 6; i++) {
        await setTimeout(150, undefined, { signal })
        progress({ progress: i })
      }
      return { content: [{ type: 'text', text: 'done' }] }
    }),
  )
  const client = await connectOfficial(url)
  const options = { timeout: 700, resetTimeoutOnProgress: true, onprogress: () => {} }
  expect(textOf(await client.callTool({ name: 'slow' }, CallToolResultSchema, options))).toBe('done')
})

test('its AbortSignal aborts the signal of the handler', async () => {
  const started = deferred()
  const aborted = deferred<unknown>()
  const { url } = await start((server) =>
    server.tool('hang', {}, (_args, { signal }) => {
      started.resolve()
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          aborted.resolve(signal.reason)
          reject(signal.reason as Error)
        })
      })
    }),
  )
  const client = await connectOfficial(url)
  const controller = new AbortController()
  const call = client.callTool({ name: 'hang' }, CallToolResultSchema, { signal: controller.signal })
  const rejected = expect(call).rejects.toThrow('the user went away')
  await started.promise
  controller.abort('the user went away')
  await rejected
  expect(await aborted.promise).toMatchObject({ name: 'AbortError', message: 'the user went away' })
  await client.ping()
})

test('its time-out, too, aborts the signal of the handler', async () => {
  const aborted = deferred<unknown>()
  const { url } = await start((server) =>
    server.tool('hang', {}, (_args, { signal }) => {
      signal.addEventListener('abort', () => aborted.resolve(signal.reason))
      return new Promise(() => {})
    }),
  )
  const client = await connectOfficial(url)
  await expect(
    client.callTool({ name: 'hang' }, CallToolResultSchema, { timeout: 20 }),
  ).rejects.toMatchObject({ code: ErrorCode.RequestTimeout })
  expect(await aborted.promise).toMatchObject({ name: 'AbortError' })
})

test('a handler samples its language model', async () => {
  const { url } = await start((server) =>
    server.tool('ask', {}, async (_args, { sample }) => {
      const { model, content } = await sample({
        messages: [{ role: 'user', content: { type: 'text', text: 'Is it dry?' } }],
        maxTokens: 10,
      })
      return { content: [{ type: 'text', text: JSON.stringify({ model, content }) }] }
    }),
  )
  const client = await connectOfficial(url, {
    capabilities: { sampling: {} },
    prepare: (client) =>
      client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => ({
        model: 'm',
        role: 'assistant',
        content: { type: 'text', text: `${JSON.stringify(params.messages[0]!.content)} Yes.` },
      })),
  })
  expect(JSON.parse(textOf(await client.callTool({ name: 'ask' })))).toEqual({
    model: 'm',
    content: { type: 'text', text: '{"type":"text","text":"Is it dry?"} Yes.' },
  })
})

test('a handler asks its user by a form, and by a page to visit', async () => {
  const { url } = await start((server) => {
    server.tool('form', {}, async (_args, { elicit }) => {
      const answer = await elicit({
        message: 'Your name?',
        requestedSchema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
      })
      return { content: [], structuredContent: answer }
    })
    server.tool('page', {}, async (_args, { elicit }) => {
      const answer = await elicit({
        mode: 'url',
        message: 'Sign in',
        elicitationId: 'e1',
        url: 'https://example.com/sign-in',
      })
      return { content: [], structuredContent: answer }
    })
  })
  const client = await connectOfficial(url, {
    capabilities: { elicitation: { form: {}, url: {} } },
    prepare: (client) =>
      client.setRequestHandler(ElicitRequestSchema, ({ params }) =>
        params.mode === 'url'
          ? { action: params.url === 'https://example.com/sign-in' ? 'accept' : 'cancel' }
          : { action: 'accept', content: { name: `Ada, asked "${params.message}"` } },
      ),
  })
  expect((await client.callTool({ name: 'form' })).structuredContent).toEqual({
    action: 'accept',
    content: { name: 'Ada, asked "Your name?"' },
  })
  expect((await client.callTool({ name: 'page' })).structuredContent).toEqual({ action: 'accept' })
})

test('it reads an error that asks for a page to be visited first', async () => {
  const elicitations = [
    { mode: 'url' as const, message: 'Sign in', elicitationId: 'e1', url: 'https://example.com/' },
  ]
  const { url } = await start((server) =>
    server.tool('locked', {}, () => {
      throw new McpError(errorCodes.urlElicitationRequired, 'Sign in first', { data: { elicitations } })
    }),
  )
  const client = await connectOfficial(url)
  const error = await client.callTool({ name: 'locked' }).catch((err: unknown) => err)
  expect(error).toBeInstanceOf(UrlElicitationRequiredError)
  expect((error as UrlElicitationRequiredError).elicitations).toEqual(elicitations)
})

test('a handler is told the roots it works on', async () => {
  const { url } = await start((server) =>
    server.tool('roots', {}, async (_args, { roots }) => ({
      content: [],
      structuredContent: { roots: await roots() },
    })),
  )
  const client = await connectOfficial(url, {
    capabilities: { roots: { listChanged: true } },
    prepare: (client) =>
      client.setRequestHandler(ListRootsRequestSchema, () => ({
        roots: [{ uri: 'file:///garden', name: 'Garden' }],
      })),
  })
  await client.sendRootsListChanged()
  expect((await client.callTool({ name: 'roots' })).structuredContent).toEqual({
    roots: [{ uri: 'file:///garden', name: 'Garden' }],
  })
})

test('what it answers with an error is thrown in the handler, with its code and message', async () => {
  let thrown: unknown
  const { url } = await start((server) =>
    server.tool('ask', {}, async (_args, { sample }) => {
      try {
        await sample({ messages: [], maxTokens: 1 })
      } catch (error) {
        thrown = error
      }
      return { content: [] }
    }),
  )
  const client = await connectOfficial(url, {
    capabilities: { sampling: {} },
    prepare: (client) =>
      client.setRequestHandler(CreateMessageRequestSchema, () => {
        throw new OfficialMcpError(-1, 'User rejected sampling request', { by: 'user' })
      }),
  })
  await client.callTool({ name: 'ask' })
  expect(thrown).toBeInstanceOf(McpError)
  expect(thrown).toMatchObject({
    code: -1,
    message: expect.stringContaining('User rejected sampling request'),
    data: { by: 'user' },
  })
})

test('a request to it is cancelled when the request it belongs to is', async () => {
  const asked = deferred<AbortSignal>()
  const { url } = await start((server) =>
    server.tool('ask', {}, async (_args, { sample }) => {
      await sample({ messages: [], maxTokens: 1 })
      return { content: [] }
    }),
  )
  const client = await connectOfficial(url, {
    capabilities: { sampling: {} },
    prepare: (client) =>
      client.setRequestHandler(CreateMessageRequestSchema, (_request, { signal }) => {
        asked.resolve(signal)
        return new Promise(() => {})
      }),
  })
  const controller = new AbortController()
  const call = client.callTool({ name: 'ask' }, CallToolResultSchema, { signal: controller.signal })
  const rejected = expect(call).rejects.toThrow()
  const signal = await asked.promise
  const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve))
  controller.abort()
  await Promise.all([rejected, aborted])
})

test('each side answers the ping of the other', async () => {
  const { url } = await start((server) =>
    server.tool('ping', {}, async (_args, { session, requestId }) => ({
      content: [],
      structuredContent: await (session as Session).request(
        'ping',
        undefined,
        undefined,
        (session as Session).callOf(requestId)!,
      ),
    })),
  )
  const client = await connectOfficial(url)
  expect(await client.ping()).toEqual({})
  expect((await client.callTool({ name: 'ping' })).structuredContent).toEqual({})
})
