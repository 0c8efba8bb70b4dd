import type { ElicitRequestParams, ElicitResult, McpServer } from '@tidings/server'

/** Adds the tools, and the prompt, that need something of the client before they can answer. */
export function addInputRequired(server: McpServer): void {
  server.tool(
    'test_input_required_result_elicitation',
    { description: "Asks the client's user for a name" },
    async (_args, { elicit }) => {
      const { name } = accepted(await elicit(form('What is your name?', 'name'), { key: 'user_name' }))
      return said(`Hello, ${name}!`)
    },
  )

  server.tool(
    'test_input_required_result_sampling',
    { description: "Asks the client's language model for a capital" },
    async (_args, { sample }) => {
      const { content } = await sample(prompt('What is the capital of France?', 100), {
        key: 'capital_question',
      })
      return said(JSON.stringify(content))
    },
  )

  server.tool(
    'test_input_required_result_list_roots',
    { description: 'Asks which folders the client works on' },
    async (_args, { roots }) => said(JSON.stringify(await roots({ key: 'client_roots' }))),
  )

  server.tool(
    'test_input_required_result_multiple_inputs',
    { description: "Asks the client's user, its language model and the client itself, all at once" },
    async (_args, { elicit, sample, roots }) => {
      const [who, greeting, folders] = await Promise.all([
        elicit(form('What is your name?', 'name'), { key: 'user_name' }),
        sample(prompt('Generate a greeting', 50), { key: 'greeting' }),
        roots({ key: 'client_roots' }),
      ])
      return said(
        `${JSON.stringify(greeting.content)} for ${accepted(who).name}, with ${folders.length} folders`,
      )
    },
  )

  server.tool(
    'test_input_required_result_multi_round',
    { description: "Asks the client's user twice, one after the other" },
    async (_args, { elicit }) => {
      const { name } = accepted(await elicit(form('Step 1: What is your name?', 'name'), { key: 'step1' }))
      const question = form('Step 2: What is your favorite color?', 'color')
      const { color } = accepted(await elicit(question, { key: 'step2' }))
      return said(`${name} likes ${color}`)
    },
  )

  // What the server keeps in requestState, and that nobody can change it, is its own doing.
  for (const name of [
    'test_input_required_result_request_state',
    'test_input_required_result_tampered_state',
  ]) {
    server.tool(name, { description: "Asks the client's user to confirm" }, async (_args, { elicit }) => {
      const { ok } = accepted(await elicit(confirmation, { key: 'confirm' }))
      return said(`state-ok, and the answer is ${ok}`)
    })
  }

  server.tool(
    'test_input_required_result_capabilities',
    { description: 'Asks for whatever the client says it can give' },
    async (_args, { client: { capabilities }, elicit, sample, roots }) => {
      const answers = await Promise.all([
        capabilities.elicitation && elicit(form('What is your name?', 'name'), { key: 'user_name' }),
        capabilities.sampling && sample(prompt('Generate a greeting', 50), { key: 'greeting' }),
        capabilities.roots && roots({ key: 'client_roots' }),
      ])
      return said(JSON.stringify(answers))
    },
  )

  server.prompt(
    'test_input_required_result_prompt',
    { description: "Asks the client's user what it is to be about" },
    async (_args, { elicit }) => {
      const question = form('What context should the prompt use?', 'context')
      const { context } = accepted(await elicit(question, { key: 'user_context' }))
      return { messages: [{ role: 'user', content: { type: 'text', text: `In the context of ${context}` } }] }
    },
  )
}

/** A form with one line to fill in. */
function form(message: string, field: string): ElicitRequestParams {
  return {
    message,
    requestedSchema: { type: 'object', properties: { [field]: { type: 'string' } }, required: [field] },
  }
}

const confirmation: ElicitRequestParams = {
  message: 'Please confirm',
  requestedSchema: { type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'] },
}

/** What was filled in; nothing when the user declined. */
function accepted({ content = {} }: ElicitResult): Record<string, string> {
  return Object.fromEntries(Object.entries(content).map(([field, value]) => [field, String(value)]))
}

function prompt(text: string, maxTokens: number) {
  return { messages: [{ role: 'user' as const, content: { type: 'text' as const, text } }], maxTokens }
}

function said(text: string) {
  return { content: [{ type: 'text' as const, text }] }
}
