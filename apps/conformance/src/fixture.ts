import { McpServer } from '@tidings/server'
import { addDiagnostics } from './diagnostics.ts'
import { addElicitation } from './elicitation.ts'
import { addHeaderParams } from './header-params.ts'
import { addInputRequired } from './input-required.ts'
import { addJsonSchema } from './json-schema.ts'
import { addPrompts } from './prompts.ts'
import { addResources } from './resources.ts'
import { addSampling } from './sampling.ts'
import { addTools } from './tools.ts'

/** A server with everything the scenarios of the official conformance suite ask for by name, at every revision. */
export function fixture(): McpServer {
  const server = new McpServer({ name: 'tidings-conformance', version: '0.0.0' })
  // Some scenarios call the first tool in the list without arguments: the plain ones go first.
  addTools(server)
  addSampling(server)
  addElicitation(server)
  addInputRequired(server)
  addDiagnostics(server)
  addHeaderParams(server)
  addJsonSchema(server)
  addResources(server)
  addPrompts(server)
  return server
}
