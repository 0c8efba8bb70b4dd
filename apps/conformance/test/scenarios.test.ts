import { McpServer, serve } from '@tidings/server'
import * as z from 'zod'
import { jsonSchema202012 } from '../src/json-schema.ts'
import { scenarios } from '../src/scenarios.ts'

const done = { content: [{ type: 'text' as const, text: 'done' }] }

/** Runs a scenario against a server with these tools. Gives what became of the sessions of that server. */
async function run(scenario: string, addTools: (server: McpServer) => void): Promise<unknown> {
  const server = new McpServer({ name: 'referee', version: '0.0.0' })
  addTools(server)
  await using running = await serve(server, { port: 0 })
  await scenarios[scenario]!(`${running.url}/sse`)
  const health = (await (await fetch(`${running.url}/health`)).json()) as { sessions: unknown }
  return health.sessions
}

test('the scenario initialize opens a session and ends it', async () => {
  const sessions = await run('initialize', (server) => server.tool('nothing', {}, () => done))
  expect(sessions).toMatchObject({ opened: 1, open: 0 })
})

test('the scenario tools_call adds 5 and 3', async () => {
  const calls: unknown[] = []
  await run('tools_call', (server) =>
    server.tool('add_numbers', { input: z.object({ a: z.number(), b: z.number() }) }, (args) => {
      calls.push(args)
      return done
    }),
  )
  expect(calls).toEqual([{ a: 5, b: 3 }])
})

test('the scenario of client defaults accepts a form with its defaults filled in', async () => {
  const answers: unknown[] = []
  await run('elicitation-sep1034-client-defaults', (server) =>
    server.tool('test_client_elicitation_defaults', {}, async (_args, { elicit }) => {
      answers.push(
        await elicit({
          message: 'Accept what is filled in',
          requestedSchema: {
            type: 'object',
            properties: {
              name: { type: 'string', default: 'John Doe' },
              age: { type: 'integer', default: 30 },
              verified: { type: 'boolean', default: false },
              nickname: { type: 'string' },
            },
          },
        }),
      )
      return done
    }),
  )
  expect(answers).toEqual([{ action: 'accept', content: { name: 'John Doe', age: 30, verified: false } }])
})

test('the scenario of schema preservation sends back the schema it was listed', async () => {
  const calls: unknown[] = []
  await run('json-schema-2020-12-preservation', (server) => {
    server.tool('json_schema_2020_12_tool', { input: jsonSchema202012 }, () => done)
    server.tool('json_schema_echo', { input: { type: 'object' } }, (args) => {
      calls.push(args)
      return done
    })
  })
  expect(calls).toEqual([{ schema: jsonSchema202012 }])
})
