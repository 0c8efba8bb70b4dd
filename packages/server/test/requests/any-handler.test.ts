import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { deferred } from '@tidings/testkit/deferred'
import { Log } from '@tidings/testkit/log'
import { until } from '@tidings/testkit/until'
import type { HandlerContext, McpServer } from '../../src/index.ts'
import { health } from '../harness/health.ts'
import { start } from '../harness/start.ts'
import { AnyClient, type Call, nameOfWay, type Way, ways } from '../harness/any-client.ts'
import { type AnyValue, anyValue } from '../harness/any-value.ts'

/** More by TIDINGS_RUNS. */
const numRuns = Number(process.env.TIDINGS_RUNS ?? 600)

type Ask = 'elicit' | 'sample' | 'roots'

/** One thing that a handler does with its context. */
type Step =
  | { do: 'log' | 'progress'; value: AnyValue }
  | { do: 'ask' | 'ask and forget'; ask: Ask; value: AnyValue | undefined }
  | { do: 'ask twice' | 'turn' | 'hang' | 'close the stream' }

interface Program {
  isAsync: boolean
  steps: Step[]
  ending: 'return' | 'throw'
  value: AnyValue
  /** Done when the handler has ended. */
  late: Step[]
}

interface Run {
  program: Program
  started(): void
  /** Resolves when the test lets the handler go on that hangs. */
  released: Promise<void>
  /** The work of handlers, late steps included. */
  work: Promise<unknown>[]
}

const ask = fc.constantFrom<Ask>('elicit', 'sample', 'roots')
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('log' as const, 'progress' as const), value: anyValue }),
  fc.record({
    do: fc.constantFrom('ask' as const, 'ask and forget' as const),
    ask,
    value: fc.option(anyValue, { nil: undefined }),
  }),
  fc.record({
    do: fc.constantFrom(
      'ask twice' as const,
      'turn' as const,
      'turn' as const,
      'hang' as const,
      'close the stream' as const,
    ),
  }),
)
const program: fc.Arbitrary<Program> = fc.record({
  isAsync: fc.boolean(),
  steps: fc.array(step, { maxLength: 4 }),
  ending: fc.constantFrom('return' as const, 'return' as const, 'throw' as const),
  value: anyValue,
  late: fc.array(step, { maxLength: 3 }),
})

const form = { message: '?', requestedSchema: { type: 'object' as const, properties: {} } }

function asks(context: HandlerContext, kind: Ask, value?: AnyValue): Promise<unknown> {
  const odd = value && { message: '?', requestedSchema: { type: 'object', properties: { x: value.make() } } }
  if (kind === 'elicit') return context.elicit((odd as typeof form | undefined) ?? form)
  if (kind === 'sample') return context.sample({ messages: [], maxTokens: 1, metadata: odd })
  return context.roots()
}

async function perform(step: Step, context: HandlerContext, { released }: Run): Promise<void> {
  if (step.do === 'log') context.log('error', step.value.make())
  else if (step.do === 'progress') context.progress(step.value.make() as never)
  else if (step.do === 'ask') await asks(context, step.ask, step.value)
  else if (step.do === 'ask and forget') void asks(context, step.ask, step.value)
  else if (step.do === 'ask twice') {
    const [first, second] = [context.elicit(form), context.roots()]
    await first
    await second
  } else if (step.do === 'turn') await setImmediate()
  else if (step.do === 'hang') await released
  else context.closeStream()
}

/** What is done at once, of a handler that is not async: nothing of it waits, and none of it throws. */
function performAtOnce(step: Step, context: HandlerContext): void {
  if (step.do === 'log') context.log('error', step.value.make())
  else if (step.do === 'progress') context.progress(step.value.make() as never)
  else if (step.do === 'ask and forget') void asks(context, step.ask, step.value)
  else if (step.do === 'close the stream') context.closeStream()
}

function end({ ending, value }: Program): never {
  const made = value.make()
  if (ending === 'throw') throw made as Error
  return made as never
}

async function whatIsLate(context: HandlerContext, run: Run, ended: Promise<unknown>): Promise<void> {
  await ended.catch(() => {})
  await setImmediate()
  // What its own code throws is the handler's affair.
  for (const step of run.program.late) await perform(step, context, run).catch(() => {})
}

function handle(context: HandlerContext, run: Run): never {
  const { program } = run
  if (!program.isAsync) {
    run.work.push(whatIsLate(context, run, Promise.resolve()))
    run.started()
    for (const step of program.steps) performAtOnce(step, context)
    return end(program)
  }
  const ended = (async () => {
    run.started()
    for (const step of program.steps) await perform(step, context, run)
    return end(program)
  })()
  run.work.push(whatIsLate(context, run, ended))
  return ended as never
}

const targets = ['tool', 'prompt', 'resource', 'completion', 'list'] as const
const requests: Record<(typeof targets)[number], Omit<Call, 'id'>> = {
  tool: { method: 'tools/call', params: { name: 'any', _meta: {} } },
  prompt: { method: 'prompts/get', params: { name: 'any', _meta: {} } },
  resource: { method: 'resources/read', params: { uri: 'any:it', _meta: {} } },
  completion: {
    method: 'completion/complete',
    params: { ref: { type: 'ref/resource', uri: 'any:{x}' }, argument: { name: 'x', value: '' }, _meta: {} },
  },
  list: { method: 'resources/list', params: { _meta: {} } },
}

const scenario = fc.record({
  way: fc.constantFrom(...ways.map((way) => ({ name: nameOfWay(way), way }))),
  requests: fc.array(fc.record({ target: fc.constantFrom(...targets), program }), {
    minLength: 1,
    maxLength: 2,
  }),
  answers: fc.constantFrom('a result' as const, 'an error' as const, 'nonsense' as const, 'nothing' as const),
  cancelled: fc.option(fc.nat(3), { nil: undefined }),
})

const results: Record<string, object> = {
  'elicitation/create': { action: 'decline' },
  'sampling/createMessage': { role: 'assistant', model: 'm', content: { type: 'text', text: '' } },
  'roots/list': { roots: [] },
}
const answersBy = {
  'a result': ({ method }: { method: string }) => ({ result: results[method] }),
  'an error': () => ({ error: { code: -32601, message: 'Method not found' } }),
  nonsense: () => ({ result: { nonsense: true } }),
  nothing: () => undefined,
}

const runs = new Map<string, Run>()
const runOf = ({ meta }: HandlerContext) => runs.get(String(meta?.['run']))!

function register(server: McpServer): void {
  server.tool('any', {}, (_args, context) => handle(context, runOf(context)))
  server.prompt('any', {}, (_args, context) => handle(context, runOf(context)))
  server.resource('any:it', {}, (context) => handle(context, runOf(context)))
  server.template(
    'any:{x}',
    {
      // Other requests list, too.
      list: (context) => (runOf(context) === undefined ? [] : handle(context, runOf(context))),
      complete: { x: (_value, { request }) => handle(request, runOf(request)) },
    },
    () => 'x',
  )
}

const options = { keepAliveMs: 4, resumeWithinMs: 10_000, logger: new Log() }
const timeouts = { requestTimeoutMs: 60 }
const inUse = async (url: string) => {
  const { requests, streams } = (await health(url)).limits
  return { requests: requests.used as number, streams: streams.used as number }
}

test(`whatever a handler does, a request gets one answer, and nothing is left of it (${numRuns} runs)`, async () => {
  const { url } = await start(register, options, timeouts)
  const { url: urlWithoutSessions } = await start(register, { ...options, keepSessions: false }, timeouts)
  const urlOf = ({ session, transport }: Way) =>
    session === 'none' && transport !== 'stateless' ? urlWithoutSessions : url
  const clients = new Map<Way, AnyClient>()
  let lastId = 0

  await fc.assert(
    fc.asyncProperty(scenario, async ({ way: { way }, requests: planned, answers, cancelled }) => {
      const client = clients.get(way) ?? (await AnyClient.open(urlOf(way), way))
      clients.set(way, client)
      client.answer = answersBy[answers]
      const { streams } = await inUse(urlOf(way))
      const { promise: released, resolve: release } = deferred()
      const started = deferred()
      const work: Promise<unknown>[] = []
      const calls = planned.map(({ target, program }): Call => {
        const id = `run ${++lastId}`
        runs.set(id, { program, started: () => started.resolve(), released, work })
        const { method, params } = requests[target]
        const _meta = { run: id, progressToken: id, 'io.modelcontextprotocol/logLevel': 'debug' }
        return { id, method, params: { ...params, _meta } }
      })
      const ids = calls.map(({ id }) => id)

      const called = client.call(calls)
      if (cancelled !== undefined) {
        await started.promise
        for (let turn = 0; turn < cancelled; turn++) await setImmediate()
        await client.cancel(ids)
      }
      await called
      await client.settled(ids, cancelled === undefined)
      release()
      await until(
        async () => {
          const used = await inUse(urlOf(way))
          return used.requests === 0 && used.streams === streams
        },
        () => 'something is still in use',
      )
      await Promise.all(work)
      await setImmediate()

      for (const id of ids) {
        const own = client.responses.filter((response) => response.id === id)
        if (cancelled === undefined) expect([id, own]).toEqual([id, [expect.anything()]])
        else expect(own.length).toBeLessThanOrEqual(1)
        for (const { result, error } of own) {
          if (error === undefined) expect(result).toEqual(expect.objectContaining({}))
          else expect([error.code, error.message]).toEqual([expect.any(Number), expect.any(String)])
        }
        runs.delete(id)
      }
      expect(client.responses.filter(({ id }) => !ids.includes(id))).toEqual([])
    }),
    { numRuns },
  )
}, 600_000)
