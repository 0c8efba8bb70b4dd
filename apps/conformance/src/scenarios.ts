import { connect } from '@tidings/client'
import type { Client, Handlers } from '@tidings/client'

/** What the client does in each scenario of the suite, by the scenario's name. */
export const scenarios: Record<string, (url: string) => Promise<void>> = {
  initialize: (url) => connected(url, (client) => client.listTools()),

  tools_call: (url) =>
    connected(url, async (client) => {
      await client.listTools()
      await client.callTool('add_numbers', { a: 5, b: 3 })
    }),

  'elicitation-sep1034-client-defaults': (url) =>
    connected(url, async (client) => {
      await client.listTools()
      await client.callTool('test_client_elicitation_defaults')
    }),

  'json-schema-2020-12-preservation': (url) =>
    connected(url, async (client) => {
      const tools = await client.listTools()
      const focal = tools.find((tool) => tool.name === 'json_schema_2020_12_tool')
      await client.callTool('json_schema_echo', { schema: focal?.inputSchema })
    }),

  'json-schema-ref-no-deref': (url) => connected(url, (client) => client.listTools()),

  'sse-retry': (url) => connected(url, (client) => client.callTool('test_reconnection')),

  'request-metadata': (url) => connected(url, (client) => client.listTools()),

  'http-standard-headers': (url) =>
    connected(url, async (client) => {
      for (const { name } of await client.listTools()) await client.callTool(name)
      for (const { uri } of await client.listResources()) await client.readResource(uri)
      for (const { name } of await client.listPrompts()) await client.getPrompt(name)
    }),

  'http-custom-headers': (url) =>
    connected(url, async (client) => {
      await client.listTools()
      for (const call of toolCalls()) await client.callTool(call.name, call.arguments)
    }),

  'http-invalid-tool-headers': (url) =>
    connected(url, async (client) => {
      for (const { name } of await client.listTools()) await client.callTool(name, { region: 'us-west1' })
    }),

  'sep-2322-client-request-state': (url) =>
    connected(url, async (client) => {
      await client.listTools()
      // At once: what one call is asked and answers must not get into another.
      await Promise.all([
        client.callTool('test_mrtr_echo_state'),
        client.callTool('test_mrtr_no_state'),
        client.callTool('test_mrtr_unrelated'),
        client.callTool('test_mrtr_no_result_type'),
      ])
    }),
}

/** What the server may ask for: some scenarios look at which capabilities the client declares. */
const handlers: Handlers = {
  // The client itself fills in the defaults of what an accepted form leaves out.
  elicit: () => ({ action: 'accept' }),
  sample: () => ({ role: 'assistant', content: { type: 'text', text: 'Hello' }, model: 'none' }),
  roots: () => [],
}

async function connected(url: string, flow: (client: Client) => Promise<unknown>): Promise<void> {
  await using client = await connect(url, {
    clientInfo: { name: 'tidings-conformance', version: '0.0.0' },
    handlers,
    logger: console,
  })
  await flow(client)
}

/** The calls that the suite has the client make, where a scenario has such. */
function toolCalls(): { name: string; arguments: Record<string, unknown> }[] {
  const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}') as {
    toolCalls?: { name: string; arguments: Record<string, unknown> }[]
  }
  return context.toolCalls ?? []
}
