import type { McpServer } from '@tidings/server'
import * as z from 'zod'
import { redPixel } from './samples.ts'

/** Adds a plain prompt, one with arguments that complete, one with a resource and one with an image. */
export function addPrompts(server: McpServer): void {
  server.prompt('test_simple_prompt', { description: 'Says one thing' }, async () => ({
    messages: [{ role: 'user', content: { type: 'text', text: 'This is a simple prompt for testing.' } }],
  }))

  server.prompt(
    'test_prompt_with_arguments',
    {
      description: 'Says what its arguments are',
      input: z.object({
        arg1: z.string().describe('First test argument'),
        arg2: z.string().describe('Second test argument'),
      }),
      complete: {
        arg1: (value) =>
          ['testValue1', 'testValue2', 'testValue3'].filter((known) => known.startsWith(value)),
      },
    },
    async ({ arg1, arg2 }) => ({
      messages: [
        {
          role: 'user',
          content: { type: 'text', text: `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'` },
        },
      ],
    }),
  )

  server.prompt(
    'test_prompt_with_embedded_resource',
    {
      description: 'Holds a resource',
      input: z.object({ resourceUri: z.string().describe('URI of the resource to embed') }),
    },
    async ({ resourceUri }) => ({
      messages: [
        {
          role: 'user',
          content: {
            type: 'resource',
            resource: {
              uri: resourceUri,
              mimeType: 'text/plain',
              text: 'Embedded resource content for testing.',
            },
          },
        },
        { role: 'user', content: { type: 'text', text: 'Please process the embedded resource above.' } },
      ],
    }),
  )

  server.prompt('test_prompt_with_image', { description: 'Holds an image' }, async () => ({
    messages: [
      { role: 'user', content: { type: 'image', data: redPixel, mimeType: 'image/png' } },
      { role: 'user', content: { type: 'text', text: 'Please analyze the image above.' } },
    ],
  }))
}
