import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { handler, McpServer, serve } from '@tidings/server'
import * as z from 'zod'
import { jsonSchema202012 } from '../src/json-schema.ts'
import { scenarios } from '../src/scenarios.ts'

const done = { content: [{ type: 'text' as const, text: 'done' }] }

function referee(offer: (server: McpServer) => void): McpServer {
  const server = new McpServer({ name: 'referee', version: '0.0.0' })
  offer(server)
  return server
}

/** Runs a scenario against a server that offers this. */
async function run(scenario: string, offer: (server: McpServer) => void): Promise<void> {
  await using running = await serve(referee(offer), { port: 0 })
  await scenarios[scenario]!(`${running.url}/mcp`)
}

test('the scenario initialize opens a session of HTTP+SSE where there is nothing newer, and ends it', async () => {
  const mcp = handler(referee((server) => server.tool('nothing', {}, () => done)))
  const http = createServer((request, response) => {
    if (request.method === 'POST' && request.url === '/sse') response.writeHead(404).end()
    else mcp(request, response)
  }).listen(0, '127.0.0.1')
  await once(http, 'listening')
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  await scenarios['initialize']!(`${url}/sse`)
  const { sessions } = (await (await fetch(`${url}/health`)).json()) as { sessions: unknown }
  expect(sessions).toMatchObject({ opened: 1, open: 0 })
  await mcp.close({ deadlineMs: 0 })
  http.close()
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

test('the scenario of standard headers uses everything it is listed', async () => {
  const used: string[] = []
  await run('http-standard-headers', (server) => {
    for (const name of ['one', 'two']) server.tool(name, {}, () => (used.push(name), done))
    server.resource('test://three', {}, ({ uri }) => (used.push(uri), 'text'))
    server.prompt('four', {}, () => (used.push('four'), { messages: [] }))
  })
  expect(used).toEqual(['one', 'two', 'test://three', 'four'])
})

test('the scenario of custom headers makes the calls that the suite has it make', async () => {
  const calls = [
    { name: 'first', arguments: { region: 'us-west1', verbose: null } },
    { name: 'second', arguments: { region: 'Zürich' } },
  ]
  process.env.MCP_CONFORMANCE_CONTEXT = JSON.stringify({ name: 'http-custom-headers', toolCalls: calls })
  const made: unknown[] = []
  try {
    await run('http-custom-headers', (server) => {
      for (const { name } of calls) {
        server.tool(name, { input: { type: 'object' } }, (args) => {
          made.push({ name, arguments: args })
          return done
        })
      }
    })
  } finally {
    delete process.env.MCP_CONFORMANCE_CONTEXT
  }
  expect(made).toEqual(calls)
})

test('the scenario of invalid headers calls every tool it is listed', async () => {
  const calls: unknown[] = []
  const input = {
    type: 'object',
    properties: { region: { type: 'string', 'x-mcp-header': 'Region' } },
  } as const
  await run('http-invalid-tool-headers', (server) =>
    server.tool('valid_tool', { input }, (args) => (calls.push(args), done)),
  )
  expect(calls).toEqual([{ region: 'us-west1' }])
})

test('the scenario of request state answers what each call is asked', async () => {
  const answers: unknown[] = []
  await run('sep-2322-client-request-state', (server) => {
    for (const name of ['test_mrtr_unrelated', 'test_mrtr_no_result_type']) server.tool(name, {}, () => done)
    for (const name of ['test_mrtr_echo_state', 'test_mrtr_no_state']) {
      server.tool(name, {}, async (_args, { elicit }) => {
        const message = `Confirm ${name}`
        answers.push(await elicit({ message, requestedSchema: { type: 'object', properties: {} } }))
        return done
      })
    }
  })
  expect(answers).toEqual([
    { action: 'accept', content: {} },
    { action: 'accept', content: {} },
  ])
})
