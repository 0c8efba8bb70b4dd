import type { McpServer } from '@tidings/server'

/** The tool `ask_name`: asks the person at the client for a name (elicitation) and greets them. */
export function askName(server: McpServer): void {
  server.tool(
    'ask_name',
    {
      title: 'Ask for a name',
      description: 'Asks you for your name in the middle of the call (elicitation), then greets you.',
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    async (_input, { elicit }) => {
      const answer = await elicit({
        message: 'What may I call you?',
        requestedSchema: {
          type: 'object',
          properties: { name: { type: 'string', title: 'Name', minLength: 1, maxLength: 100 } },
          required: ['name'],
        },
      })
      const text =
        answer.action === 'accept' ? `Hello, ${String(answer.content?.name)}!` : `No name: ${answer.action}.`
      return { content: [{ type: 'text', text }] }
    },
  )
}
