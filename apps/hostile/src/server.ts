// A server that hostile clients are let loose on, in a process of its own: what ends the process shows. Its options are its
// argument, as JSON. The principal of a request is the token it carries.
import { McpServer, serve, type ServeOptions } from '@tidings/server'
import * as z from 'zod'

const options = JSON.parse(process.argv[2] ?? '{}') as ServeOptions
const server = new McpServer({ name: 'hostile', version: '1.0.0' }, { requestTimeoutMs: 2_000 })

server.tool('echo', { input: z.object({ value: z.unknown() }) }, ({ value }) => ({
  structuredContent: { value },
}))
server.tool('whoami', {}, (_args, { principal = '' }) => ({ structuredContent: { principal } }))
server.tool('ask', {}, async (_args, { elicit }) => {
  const requestedSchema = { type: 'object' as const, properties: { name: { type: 'string' as const } } }
  return { structuredContent: { ...(await elicit({ message: 'Your name?', requestedSchema })) } }
})
server.tool(
  'strict',
  { input: z.object({ tags: z.array(z.string()), at: z.iso.datetime().optional() }) },
  () => ({
    content: [],
  }),
)
server.tool(
  'draft',
  {
    input: {
      type: 'object',
      properties: { list: { type: 'array', items: { oneOf: [{ type: 'string' }, { type: 'null' }] } } },
    },
  },
  () => ({ content: [] }),
)
server.tool('tell', {}, (_args, { progress, log, principal }) => {
  progress({ progress: 1 })
  log('info', { principal })
  return { content: [] }
})
server.prompt('greet', { input: z.object({ name: z.string().optional() }) }, ({ name }) => ({
  messages: [{ role: 'user', content: { type: 'text', text: `Hello ${name}` } }],
}))
server.resource('hostile://fixed', {}, () => 'fixed')
server.template(
  'hostile:///{owner}/{+path}{?q,r*}',
  { complete: { owner: (typed) => [typed, 'a', 'b'] }, list: () => [{ uri: 'hostile:///a/b', name: 'b' }] },
  (variables) => JSON.stringify(variables),
)

const serving = await serve(server, {
  ...options,
  principal: ({ headers }) => /^Bearer (\w{1,20})$/.exec(headers.authorization ?? '')?.[1],
})

const changing = setInterval(() => server.changed('hostile://fixed'), 50)
process.on('message', (uri: string) => server.changed(uri))
process.once('disconnect', () => {
  clearInterval(changing)
  void serving.close({ deadlineMs: 0 })
})
process.send!({ url: serving.url })
