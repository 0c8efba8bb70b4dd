import type { McpServer } from '@tidings/server'

/** Adds the tool with an argument that a client mirrors into a header of the request. */
export function addHeaderParams(server: McpServer): void {
  server.tool(
    'test_x_mcp_header',
    {
      description: 'Takes a region, which is also in the header Mcp-Param-Region',
      input: {
        type: 'object',
        properties: {
          region: { type: 'string', description: 'Mirrored', 'x-mcp-header': 'Region' },
          level: { type: 'integer', description: 'Not mirrored' },
        },
      },
    },
    async ({ region, level }) => ({
      content: [{ type: 'text', text: `region=${String(region)}, level=${String(level)}` }],
    }),
  )
}
