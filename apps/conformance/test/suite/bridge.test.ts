import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { CreateMessageRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { serve } from '@tidings/server'
import { fixture } from '../../src/fixture.ts'
import { bridgeToServer } from '../../src/suite/bridge-to-server.ts'

test('a client of Streamable HTTP gets over the bridge whatever a server of HTTP+SSE sends', async () => {
  await using running = await serve(fixture(), { port: 0 })
  const bridge = await bridgeToServer(new URL('/sse', running.url))
  const client = new Client({ name: 'test', version: '0.0.0' }, { capabilities: { sampling: {} } })
  client.setRequestHandler(CreateMessageRequestSchema, () => ({
    role: 'assistant',
    content: { type: 'text', text: 'Because.' },
    model: 'none',
  }))
  await client.connect(new StreamableHTTPClientTransport(new URL(bridge.url)))

  const steps: number[] = []
  await client.callTool({ name: 'test_tool_with_progress' }, undefined, {
    onprogress: ({ progress }) => steps.push(progress),
  })
  expect(steps).toEqual([0, 50, 100])
  const answer = await client.callTool({ name: 'test_sampling', arguments: { prompt: 'Why?' } })
  expect(answer.content).toEqual([{ type: 'text', text: 'LLM response: Because.' }])

  await client.close()
  await bridge.close()
})
