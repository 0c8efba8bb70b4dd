import {
  parseParams,
  type CallToolResult,
  type LoggingLevel,
  type NotificationOf,
  type NotificationToClient,
  type NotificationToServer,
  type ParamsOf,
  type RequestOf,
  type RequestToClient,
  type RequestToServer,
  type ResultOf,
  type Tool,
} from '../../src/index.ts'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Does nothing at run time: it is the compiler that refuses what is not so. */
const holds = <T extends true>(so?: T) => so

test('methods are told apart by who sends them and whether they are answered', () => {
  holds<Equal<RequestToClient, 'ping' | 'sampling/createMessage' | 'roots/list' | 'elicitation/create'>>()
  holds<
    Equal<
      NotificationToServer,
      | 'notifications/initialized'
      | 'notifications/roots/list_changed'
      | 'notifications/cancelled'
      | 'notifications/progress'
    >
  >()
  holds<Equal<Extract<RequestToServer, `tools/${string}`>, 'tools/list' | 'tools/call'>>()
  holds<Equal<Extract<NotificationToClient, 'notifications/initialized'>, never>>()
})

test('params and results have the types of their schemas', () => {
  holds<Equal<ResultOf<'tools/call'>, CallToolResult>>()
  holds<Equal<ParamsOf<'tools/call'>['name'], string>>()
  holds<Equal<ParamsOf<'tools/call'>['arguments'], Record<string, unknown> | undefined>>()
  holds<Equal<ParamsOf<'logging/setLevel'>['level'], LoggingLevel>>()
  holds<Equal<undefined extends ParamsOf<'tools/list'> ? true : false, true>>()
  holds<Equal<ReturnType<typeof parseParams<'resources/read'>>['uri'], string>>()
})

test('params are optional in a message where the protocol lets them be', () => {
  const list: RequestOf<'tools/list'> = { method: 'tools/list' }
  const updated: NotificationOf<'notifications/resources/updated'> = {
    method: 'notifications/resources/updated',
    params: { uri: 'note:///a' },
  }
  // @ts-expect-error its params are required
  const call: RequestOf<'tools/call'> = { method: 'tools/call' }
  expect([list.method, updated.method, call.method]).toHaveLength(3)
})

test('the types name the known fields only, so that a slip is seen', () => {
  // @ts-expect-error isError is misspelt
  const result: CallToolResult = { content: [], isErorr: true }
  const unnamed: Omit<Tool, 'name'> = { inputSchema: { type: 'object', additionalProperties: false } }
  interface Answer {
    content: { type: 'text'; text: string }[]
  }
  const answer: Answer = { content: [] }
  const accepted: CallToolResult = answer
  expect([result, unnamed, accepted]).toHaveLength(3)
})
