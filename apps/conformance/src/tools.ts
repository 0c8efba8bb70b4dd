import { setTimeout as sleep } from 'node:timers/promises'
import type { McpServer } from '@tidings/server'
import { redPixel, silence } from './samples.ts'

/** Adds the tools that answer by themselves: one for each kind of content, for an error, logging and progress. */
export function addTools(server: McpServer): void {
  server.tool('test_simple_text', { description: 'Answers with text' }, async () => ({
    content: [{ type: 'text', text: 'This is a simple text response for testing.' }],
  }))

  server.tool('test_image_content', { description: 'Answers with an image' }, async () => ({
    content: [{ type: 'image', data: redPixel, mimeType: 'image/png' }],
  }))

  server.tool('test_audio_content', { description: 'Answers with audio' }, async () => ({
    content: [{ type: 'audio', data: silence, mimeType: 'audio/wav' }],
  }))

  server.tool('test_embedded_resource', { description: 'Answers with a resource' }, async () => ({
    content: [
      {
        type: 'resource',
        resource: {
          uri: 'test://embedded-resource',
          mimeType: 'text/plain',
          text: 'This is an embedded resource content.',
        },
      },
    ],
  }))

  server.tool(
    'test_multiple_content_types',
    { description: 'Answers with text, an image and a resource' },
    async () => ({
      content: [
        { type: 'text', text: 'Multiple content types test:' },
        { type: 'image', data: redPixel, mimeType: 'image/png' },
        {
          type: 'resource',
          resource: {
            uri: 'test://mixed-content-resource',
            mimeType: 'application/json',
            text: '{"test":"data","value":123}',
          },
        },
      ],
    }),
  )

  // Returned, not thrown: the words of what is thrown stay in the server.
  server.tool('test_error_handling', { description: 'Always fails' }, async () => ({
    content: [{ type: 'text', text: 'This tool intentionally returns an error for testing' }],
    isError: true,
  }))

  server.tool(
    'test_tool_with_logging',
    { description: 'Logs while it runs' },
    async (_args, { log, signal }) => {
      log('info', 'Tool execution started')
      await sleep(50, undefined, { signal })
      log('info', 'Tool processing data')
      await sleep(50, undefined, { signal })
      log('info', 'Tool execution completed')
      return { content: [{ type: 'text', text: 'Logged three messages' }] }
    },
  )

  server.tool(
    'test_tool_with_progress',
    { description: 'Tells how far it is while it runs' },
    async (_args, { progress, signal }) => {
      progress({ progress: 0, total: 100 })
      await sleep(50, undefined, { signal })
      progress({ progress: 50, total: 100 })
      await sleep(50, undefined, { signal })
      progress({ progress: 100, total: 100 })
      return { content: [{ type: 'text', text: 'Done, in two steps' }] }
    },
  )
}
