import { connect } from '@tidings/client'
import type { Client, ConnectOptions } from '@tidings/client'

const clientInfo = { name: 'tidings-conformance', version: '0.0.0' }

/** What the client does in each scenario of the suite, by the scenario's name. */
export const scenarios: Record<string, (url: string) => Promise<void>> = {
  initialize: (url) => connected(url, {}, (client) => client.listTools()),

  tools_call: (url) =>
    connected(url, {}, async (client) => {
      await client.listTools()
      await client.callTool('add_numbers', { a: 5, b: 3 })
    }),

  'elicitation-sep1034-client-defaults': (url) =>
    // The client itself fills in the defaults of what an accepted form leaves out.
    connected(url, { handlers: { elicit: () => ({ action: 'accept' }) } }, async (client) => {
      await client.listTools()
      await client.callTool('test_client_elicitation_defaults')
    }),

  'json-schema-2020-12-preservation': (url) =>
    connected(url, {}, async (client) => {
      const tools = await client.listTools()
      const focal = tools.find((tool) => tool.name === 'json_schema_2020_12_tool')
      await client.callTool('json_schema_echo', { schema: focal?.inputSchema })
    }),
}

async function connected(
  url: string,
  options: ConnectOptions,
  flow: (client: Client) => Promise<unknown>,
): Promise<void> {
  await using client = await connect(url, { clientInfo, ...options })
  await flow(client)
}
