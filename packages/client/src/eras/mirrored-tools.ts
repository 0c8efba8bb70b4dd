import { type CallToolRequestParams, headerParams, paramHeaders, type Tool } from '@tidings/protocol'
import type { Logger } from '../logger.ts'

/**
 * The tools whose arguments go into headers as well, as the server last listed them.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#custom-headers-from-tool-parameters
 */
export class MirroredTools {
  readonly #logger: Logger
  readonly #schemas = new Map<string, object>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Records listed tools. Returns the tools that can be called: without those whose headers are invalid. */
  take(tools: Tool[]): Tool[] {
    return tools.filter(({ name, inputSchema }) => {
      this.#schemas.delete(name)
      try {
        if (headerParams(inputSchema).length > 0) this.#schemas.set(name, inputSchema)
        return true
      } catch (err) {
        this.#logger.warn({ err, tool: name }, 'a tool is left out, because its definition is invalid')
        return false
      }
    })
  }

  /** Returns the headers of a call. */
  headersOf({ name, arguments: args }: CallToolRequestParams): Record<string, string> | undefined {
    const schema = this.#schemas.get(name)
    return schema && paramHeaders(schema, args)
  }
}
