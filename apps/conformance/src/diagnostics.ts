import { setTimeout as sleep } from 'node:timers/promises'
import type { McpServer } from '@tidings/server'

/** Adds the tools that show how the server treats streams, capabilities and lists that change. */
export function addDiagnostics(server: McpServer): void {
  server.tool(
    'test_reconnection',
    {
      description: 'Ends the stream of its response before it answers: the client comes back for the answer',
    },
    async (_args, { closeStream, signal }) => {
      closeStream()
      await sleep(100, undefined, { signal })
      return said('You came back.')
    },
  )

  server.tool(
    'test_missing_capability',
    { description: 'Needs a client that has a language model, and asks it something' },
    async (_args, { sample }) => {
      const { content } = await sample({
        messages: [{ role: 'user', content: { type: 'text', text: 'Say one word' } }],
        maxTokens: 16,
      })
      return said(JSON.stringify(content))
    },
  )

  server.tool(
    'test_streaming_elicitation',
    { description: "Tells of progress, then asks the client's user" },
    async (_args, { elicit, progress }) => {
      progress({ progress: 1, total: 2 })
      const { action } = await elicit({
        message: 'Please confirm',
        requestedSchema: { type: 'object', properties: { ok: { type: 'boolean' } } },
      })
      return said(`The answer is: ${action}`)
    },
  )

  server.tool(
    'test_logging_tool',
    { description: 'Logs one message, for who wants messages' },
    async (_args, { log }) => {
      log('info', 'The tool runs')
      return said('Logged one message')
    },
  )

  server.tool(
    'test_trigger_tool_change',
    { description: 'Tells that the list of tools has changed' },
    async () => {
      server.listChanged('tools')
      return said('Told')
    },
  )

  server.tool(
    'test_trigger_prompt_change',
    { description: 'Tells that the list of prompts has changed' },
    async () => {
      server.listChanged('prompts')
      return said('Told')
    },
  )
}

function said(text: string) {
  return { content: [{ type: 'text' as const, text }] }
}
