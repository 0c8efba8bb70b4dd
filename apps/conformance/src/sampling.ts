import type { McpServer } from '@tidings/server'
import * as z from 'zod'

/** Adds the tool that has the client's language model answer a prompt. */
export function addSampling(server: McpServer): void {
  server.tool(
    'test_sampling',
    {
      description: "Asks the client's language model",
      input: z.object({ prompt: z.string().describe('What the model is asked') }),
    },
    async ({ prompt }, { sample }) => {
      const { content } = await sample({
        messages: [{ role: 'user', content: { type: 'text', text: prompt } }],
        maxTokens: 100,
      })
      const texts = [content].flat().map((block) => (block.type === 'text' ? block.text : `(${block.type})`))
      return { content: [{ type: 'text', text: `LLM response: ${texts.join(' ')}` }] }
    },
  )
}
