import { McpServer } from '@tidings/server'
import { addElicitation } from './elicitation.ts'
import { addJsonSchema } from './json-schema.ts'
import { addPrompts } from './prompts.ts'
import { addResources } from './resources.ts'
import { addSampling } from './sampling.ts'
import { addTools } from './tools.ts'

/**
 * A server with everything the scenarios of the official conformance suite ask for by name, as far as they
 * apply to sessions (revisions to 2025-11-25).
 */
export function fixture(): McpServer {
  const server = new McpServer({ name: 'tidings-conformance', version: '0.0.0' })
  // Some scenarios call the first tool in the list without arguments: the plain ones go first.
  addTools(server)
  addSampling(server)
  addElicitation(server)
  addJsonSchema(server)
  addResources(server)
  addPrompts(server)
  return server
}
