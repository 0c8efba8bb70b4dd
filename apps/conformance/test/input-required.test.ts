import { connect } from '@tidings/client'
import type { Client, TransportName, ElicitRequestParams } from '@tidings/client'
import { serve } from '@tidings/server'
import type { Serving } from '@tidings/server'
import { fixture } from '../src/fixture.ts'

/** A session, in which the server asks on a stream, and the modern era, in which it asks by its result. */
const transports: TransportName[] = ['streamable-http', 'stateless']
const answers: Record<string, string | boolean> = {
  name: 'Alice',
  color: 'blue',
  ok: true,
  context: 'greenhouses',
}
let running: Serving
const clients = new Map<TransportName, Client>()

beforeAll(async () => {
  running = await serve(fixture(), { port: 0 })
  for (const transport of transports) {
    clients.set(
      transport,
      await connect(`${running.url}/mcp`, {
        transport,
        handlers: {
          elicit: (params) => ({ action: 'accept', content: filledIn(params) }),
          sample: () => ({ role: 'assistant', content: { type: 'text', text: 'Bonjour' }, model: 'none' }),
          roots: () => [{ uri: 'file:///garden' }],
        },
      }),
    )
  }
})

afterAll(async () => {
  for (const client of clients.values()) await client.close()
  await running.close()
})

function filledIn(params: ElicitRequestParams): Record<string, string | boolean> {
  const fields = 'requestedSchema' in params ? Object.keys(params.requestedSchema.properties) : []
  return Object.fromEntries(fields.map((field) => [field, answers[field]!]))
}

const bonjour = '{"type":"text","text":"Bonjour"}'

test.each<[string, string | RegExp]>([
  ['test_input_required_result_elicitation', 'Hello, Alice!'],
  ['test_input_required_result_sampling', bonjour],
  ['test_input_required_result_list_roots', '[{"uri":"file:///garden"}]'],
  ['test_input_required_result_multiple_inputs', `${bonjour} for Alice, with 1 folders`],
  ['test_input_required_result_multi_round', 'Alice likes blue'],
  ['test_input_required_result_request_state', 'state-ok, and the answer is true'],
  ['test_input_required_result_tampered_state', 'state-ok, and the answer is true'],
  ['test_input_required_result_capabilities', /"name":"Alice".*Bonjour.*garden/],
  ['test_streaming_elicitation', 'The answer is: accept'],
  ['test_missing_capability', bonjour],
])('the tool %s gets what it asks for, in either era', async (name, expected) => {
  for (const client of clients.values()) {
    const { content } = await client.callTool(name)
    expect(content).toEqual([{ type: 'text', text: expect.stringMatching(expected) }])
  }
})

test('the prompt gets what it asks for, in either era', async () => {
  for (const client of clients.values()) {
    const { messages } = await client.getPrompt('test_input_required_result_prompt')
    expect(messages).toMatchObject([{ content: { text: 'In the context of greenhouses' } }])
  }
})
