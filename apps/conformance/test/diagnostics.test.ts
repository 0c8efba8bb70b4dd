import { connect } from '@tidings/client'
import type { Client } from '@tidings/client'
import { serve } from '@tidings/server'
import type { Serving } from '@tidings/server'
import { fixture } from '../src/fixture.ts'

let running: Serving
let session: Client
let modern: Client

beforeAll(async () => {
  running = await serve(fixture(), { port: 0, retryMs: 20 })
  session = await connect(`${running.url}/mcp`, { transport: 'streamable-http' })
  modern = await connect(`${running.url}/mcp`, { transport: 'stateless' })
})

afterAll(async () => {
  await session.close()
  await modern.close()
  await running.close()
})

test('the tool that ends the stream of its response answers the client that comes back', async () => {
  expect(await session.callTool('test_reconnection')).toMatchObject({
    content: [{ text: 'You came back.' }],
  })
})

test('the tool that needs a language model is refused to a client that has none', async () => {
  await expect(modern.callTool('test_missing_capability')).rejects.toMatchObject({
    code: -32021,
    data: { requiredCapabilities: { sampling: {} } },
  })
})

test('the logging tool says nothing to a client that wants no messages', async () => {
  const messages: unknown[] = []
  const off = modern.on('notifications/message', (params) => messages.push(params))
  await modern.callTool('test_logging_tool')
  off()
  expect(messages).toEqual([])
})

test('the argument that is in a header as well arrives', async () => {
  await modern.listTools()
  for (const client of [session, modern]) {
    expect(await client.callTool('test_x_mcp_header', { region: 'Zürich', level: 1 })).toMatchObject({
      content: [{ text: 'region=Zürich, level=1' }],
    })
  }
})

test.each([
  ['test_trigger_tool_change', 'notifications/tools/list_changed'],
  ['test_trigger_prompt_change', 'notifications/prompts/list_changed'],
] as const)('the tool %s has a client in a session told', async (name, method) => {
  const told = new Promise<void>((resolve) => session.on(method, () => resolve()))
  await session.callTool(name)
  await told
})
