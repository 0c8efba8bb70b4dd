import type { HandlerContext, McpServer } from '@tidings/server'
import * as z from 'zod'

/** Adds the tools that have the client's user fill in a form. */
export function addElicitation(server: McpServer): void {
  server.tool(
    'test_elicitation',
    {
      description: "Asks the client's user for a name and an address",
      input: z.object({ message: z.string().describe('What the user is told') }),
    },
    async ({ message }, { elicit }) => {
      const answer = await elicit({
        message,
        requestedSchema: {
          type: 'object',
          properties: {
            username: { type: 'string', description: "User's response" },
            email: { type: 'string', description: "User's email address" },
          },
          required: ['username', 'email'],
        },
      })
      return { content: [told('User response', answer)] }
    },
  )

  server.tool(
    'test_elicitation_sep1034_defaults',
    { description: 'Asks with a form whose fields of each type have a default' },
    async (_args, { elicit }) => {
      const answer = await elicit({
        message: 'Accept or change what is filled in',
        requestedSchema: {
          type: 'object',
          properties: {
            name: { type: 'string', default: 'John Doe' },
            age: { type: 'integer', default: 30 },
            score: { type: 'number', default: 95.5 },
            status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
            verified: { type: 'boolean', default: true },
          },
        },
      })
      return { content: [told('Elicitation completed', answer)] }
    },
  )

  server.tool(
    'test_elicitation_sep1330_enums',
    { description: 'Asks with a form that has each form of an enumeration' },
    async (_args, { elicit }) => {
      const answer = await elicit({
        message: 'Choose in each field',
        requestedSchema: {
          type: 'object',
          properties: {
            untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
            titledSingle: { type: 'string', oneOf: titled('Option') },
            legacyEnum: {
              type: 'string',
              enum: ['opt1', 'opt2', 'opt3'],
              enumNames: ['Option One', 'Option Two', 'Option Three'],
            },
            untitledMulti: {
              type: 'array',
              items: { type: 'string', enum: ['option1', 'option2', 'option3'] },
            },
            titledMulti: { type: 'array', items: { anyOf: titled('Choice') } },
          },
        },
      })
      return { content: [told('Elicitation completed', answer)] }
    },
  )
}

function titled(noun: string): { const: string; title: string }[] {
  return ['First', 'Second', 'Third'].map((which, i) => ({
    const: `value${i + 1}`,
    title: `${which} ${noun}`,
  }))
}

/** What came of asking, in the words the suite gives. */
function told(what: string, { action, content = {} }: Awaited<ReturnType<HandlerContext['elicit']>>) {
  return { type: 'text' as const, text: `${what}: action=${action}, content=${JSON.stringify(content)}` }
}
