import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import * as z from 'zod'
import * as mini from 'zod/mini'
import { post } from '@tidings/testkit/post'
import { type JsonSchema, McpServer, type ObjectSchema } from '../../src/index.ts'
import { compileSchema } from '../../src/capabilities/schema.ts'
import { connectRaw } from '../harness/raw-client.ts'
import { start } from '../harness/start.ts'

const compile = (schema: unknown) => compileSchema(schema as ObjectSchema, 'input', 'Input of x')
const draft7 = 'http://json-schema.org/draft-07/schema#'
const draft2020 = 'https://json-schema.org/draft/2020-12/schema'

test('a zod schema is listed as JSON Schema, the side of it that is asked for', () => {
  const schema = z.object({ a: z.string().describe('An a'), b: z.number().default(1) })
  // No $schema: hosts with a validator of an older draft drop a tool that names 2020-12, which is the default.
  expect(compileSchema(schema, 'input', 'x').json).toEqual({
    type: 'object',
    properties: { a: { type: 'string', description: 'An a' }, b: { type: 'number', default: 1 } },
    required: ['a'],
  })
  expect(compileSchema(schema, 'output', 'x').json.required).toEqual(['a', 'b'])
  expect(compile(schema).check({ a: 'x' })).toEqual({ value: { a: 'x', b: 1 } })
})

test('a union of objects describes an object, and is listed as one', () => {
  const on = z.object({ kind: z.literal('on'), level: z.number() })
  const off = z.object({ kind: z.literal('off') })
  for (const schema of [
    z.discriminatedUnion('kind', [on, off]),
    z.union([on, off]),
    z.intersection(on, z.object({})),
  ]) {
    const { json, check } = compile(schema)
    expect(json).toMatchObject({ type: 'object' })
    expect(check({ kind: 'on', level: 1 })).toEqual({ value: { kind: 'on', level: 1 } })
    expect(check({ kind: 'dim' })).toHaveProperty('problem')
  }
  for (const schema of [z.union([on, z.string()]), z.union([on, z.array(off)])])
    expect(() => compile(schema)).toThrow(/must describe an object/)
})

test('another draft of JSON Schema is refused, by name', () => {
  for (const $schema of [
    'http://json-schema.org/draft-04/schema#',
    'https://json-schema.org/draft/2019-09/schema',
  ])
    expect(() => compile({ $schema, type: 'object' })).toThrow(
      `Input of x: the $schema must be JSON Schema 2020-12 (the default) or draft-07, got ${$schema}`,
    )
})

test('a zod schema that has no words in JSON Schema is refused, by name', () => {
  for (const schema of [z.object({ at: z.date() }), z.object({ n: z.bigint() })])
    expect(() => compile(schema)).toThrow(/^Input of x: .*cannot be represented in JSON Schema/)
})

test('a zod/mini schema, which cannot say itself as JSON Schema, is refused with what to do', () => {
  expect(() => compile(mini.object({ a: mini.string() }))).toThrow(
    new TypeError(
      'Input of x: the zod schema cannot write itself as JSON Schema; with zod, use 4.2 or newer',
    ),
  )
})

/** A schema library that is not zod: of objects with a string `name`, which comes out in capitals. */
function acme(json: object = { type: 'object', required: ['name'] }) {
  const validate = (value: unknown): StandardSchemaV1.Result<{ name: string }> => {
    const { name } = value as { name?: unknown }
    if (typeof name === 'string') return { value: { name: name.toUpperCase() } }
    return { issues: [{ message: 'no string', path: ['name', { key: 0 }] }, { message: 'bad luck' }] }
  }
  const listed = (side: string) => () => ({ ...json, description: side })
  const props = {
    version: 1 as const,
    vendor: 'acme',
    validate,
    jsonSchema: { input: listed('input'), output: listed('output') },
    types: {} as { input: { name: string }; output: { name: string } },
  }
  return { '~standard': props } satisfies {
    '~standard': StandardSchemaV1.Props<{ name: string }> & StandardJSONSchemaV1.Props<{ name: string }>
  }
}

test('a schema of any library of the standard will do', async () => {
  const { url } = await start((server) =>
    server.tool('shout', { input: acme(), output: acme() }, (args) => {
      const name: string = args.name
      return { structuredContent: { name: `${name}!` } }
    }),
  )
  const client = await connectRaw(url)
  const [tool] = (await client.request('tools/list')).result.tools
  expect(tool.inputSchema).toEqual({ type: 'object', required: ['name'], description: 'input' })
  expect(tool.outputSchema).toEqual({ type: 'object', required: ['name'], description: 'output' })
  const { result } = await client.request('tools/call', { name: 'shout', arguments: { name: 'ada' } })
  expect(result.structuredContent).toEqual({ name: 'ADA!' })
})

test('what is wrong is told with where it is, as the library says it', () => {
  expect(compile(acme()).check({})).toEqual({ problem: 'name.0: no string; bad luck' })
})

test('a library that is a function, as some are, is a schema too', () => {
  expect(compile(Object.assign(() => {}, acme())).check({ name: 'x' })).toEqual({ value: { name: 'X' } })
})

test('a schema of anything but an object is refused, by name', () => {
  for (const schema of [
    z.string(),
    z.array(z.object({})),
    z.union([z.object({}), z.string()]),
    acme({ type: 'string' }),
    { type: 'array' },
    { properties: {} },
    { type: ['object', 'null'] },
    {},
    { $ref: '#/$defs/x', $defs: { x: { type: 'object' } } },
  ])
    expect(() => compile(schema)).toThrow(/^Input of x: the schema must describe an object /)
  const server = new McpServer({ name: 'test', version: '1.2.3' })
  expect(() => server.tool('t', { output: z.string() }, () => ({ content: [] }))).toThrow(
    /^Output of the tool "t": /,
  )
})

test('a JSON Schema is listed word for word', async () => {
  const input: JsonSchema = {
    $schema: draft2020,
    $id: 'https://example.com/x',
    type: 'object',
    title: 'X',
    properties: { a: { $ref: '#/$defs/name' }, b: true },
    $defs: { name: { type: 'string', 'x-widget': 'big', format: 'made-up' } },
    unevaluatedProperties: false,
    'x-order': ['a', 'b'],
  }
  const { url } = await start((server) => {
    server.tool('x', { input }, () => ({ content: [] }))
    server.tool('again', { input }, () => ({ content: [] }))
  })
  const { tools } = (await (await connectRaw(url)).request('tools/list')).result
  expect(tools).toEqual([
    { name: 'x', inputSchema: input },
    { name: 'again', inputSchema: input },
  ])
})

test('a JSON Schema is of 2020-12 unless it says draft-07', () => {
  const pair = { a: { type: 'array', prefixItems: [{ type: 'string' }], items: false } }
  for (const $schema of [undefined, draft2020]) {
    const { check } = compile({ ...($schema && { $schema }), type: 'object', properties: pair })
    expect(check({ a: ['x'] })).toEqual({ value: { a: ['x'] } })
    expect(check({ a: ['x', 'y'] })).toEqual({ problem: '/a must NOT have more than 1 items' })
    expect(check({ a: [1] })).toEqual({ problem: '/a/0 must be string' })
  }
  const old = compile({
    $schema: draft7,
    type: 'object',
    properties: { a: { type: 'array', items: [{ $ref: '#/definitions/s' }], additionalItems: false } },
    definitions: { s: { type: 'string' } },
  })
  expect(old.check({ a: ['x'] })).toEqual({ value: { a: ['x'] } })
  expect(old.check({ a: ['x', 'y'] })).toEqual({ problem: '/a must NOT have more than 1 items' })
})

test('a JSON Schema checks and changes nothing', () => {
  const { check } = compile({ type: 'object', properties: { n: { type: 'number', default: 1 } } })
  expect(check({})).toEqual({ value: {} })
  expect(check({ n: '1' })).toEqual({ problem: '/n must be number' })
  expect(check({ extra: true })).toEqual({ value: { extra: true } })
  expect(check(undefined)).toEqual({ problem: '/ must be object' })
})

test('a JSON Schema that is wrong is refused when it is registered, by name', () => {
  const server = new McpServer({ name: 'test', version: '1.2.3' })
  for (const wrong of [
    { type: 'object', properties: { a: { type: 'strin' } } },
    { type: 'object', required: 'a' },
    { type: 'object', properties: { a: { $ref: '#/$defs/nope' } } },
    { type: 'object', properties: { a: { $ref: 'https://example.com/nope' } } },
    { type: 'object', properties: { a: { pattern: '(' } } },
    { type: 'object', $schema: 'https://example.com/no-such-draft' },
    { type: 'object', $schema: 7 },
  ])
    expect(() =>
      server.tool('t', { input: wrong as unknown as JsonSchema }, () => ({ content: [] })),
    ).toThrow(
      expect.objectContaining({
        name: 'TypeError',
        message: expect.stringMatching(/^Input of the tool "t": ./),
      }),
    )
  server.tool('t', { input: { type: 'object' } }, () => ({ content: [] }))
})

test('of a value with a thousand faults a library tells the first ten, and how many more there are', () => {
  const wrong = { list: new Array<number>(1_000).fill(1) }
  const { problem } = compile(z.object({ list: z.array(z.string()) })).check(wrong) as { problem: string }
  expect(problem.split('; ')).toHaveLength(11)
  expect(problem).toMatch(/; and 990 more$/)
})

test.each<[string, object]>([
  ['items', { items: { type: 'string' } }],
  ['oneOf', { items: { oneOf: [{ type: 'string' }, { type: 'object' }, { type: 'array' }] } }],
  ['additionalProperties', { items: { type: 'object', additionalProperties: false } }],
])('a check by JSON Schema stops at the first fault: %s', (_, list) => {
  const { check } = compile({ type: 'object', properties: { list } })
  const wrong = new Array<unknown>(1_000_000).fill(0)
  const began = performance.now()
  const { problem } = check({ list: wrong }) as { problem: string }
  expect(performance.now() - began).toBeLessThan(100)
  expect(problem).toMatch(/^\/list\/0 must be /)
})

test('what is told of a fault is short, however long the keys and values are', () => {
  const key = 'k'.repeat(1_000_000)
  for (const schema of [
    { type: 'object', additionalProperties: { type: 'string' } },
    z.record(z.string(), z.string()),
    z.strictObject({}),
  ]) {
    const { problem } = compile(schema).check({ [key]: 1 }) as { problem: string }
    expect(problem.length).toBeLessThan(1_100)
  }
})

test.each([
  { type: 'object', $async: true },
  { type: 'object', properties: { a: { type: 'object', $async: true } } },
  {
    type: 'object',
    properties: { a: { $ref: '#/$defs/a' } },
    $defs: { a: { $async: true, type: 'string' } },
  },
  { type: 'object', allOf: [{ $async: true, required: ['a'] }] },
  { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object', $async: true },
])('an asynchronous JSON Schema is refused when it is registered, by name: %j', (schema) => {
  expect(() => compile(schema)).toThrow(/^Input of x: .*async/)
})

test('a recursive schema checks all that a body may nest', async () => {
  const json: JsonSchema = { type: 'object', properties: { a: { $ref: '#' } } }
  const zod = z.object({
    get a() {
      return z.optional(zod)
    },
  })
  const { url } = await start((server) => {
    server.tool('json', { input: json }, () => ({ content: [] }))
    server.tool('zod', { input: zod }, () => ({ content: [] }))
  })
  const client = await connectRaw(url)
  const call = (name: string, depth: number) => {
    const deep = '{"a":'.repeat(depth) + '{}' + '}'.repeat(depth)
    return `{"jsonrpc":"2.0","id":"${name}","method":"tools/call","params":{"name":"${name}","arguments":${deep}}}`
  }
  for (const name of ['json', 'zod']) {
    // The message, its params and the innermost object are three.
    expect((await post(client.endpoint, call(name, 97))).status).toBe(202)
    expect((await client.answer(name)).result).toEqual({ content: [] })
    expect((await post(client.endpoint, call(name, 98))).status).toBe(400)
  }
})

test.each([draft2020, draft7])('%s: uniqueItems takes no longer for what is all different', ($schema) => {
  const { check } = compile({
    $schema,
    type: 'object',
    properties: { list: { type: 'array', uniqueItems: true }, any: { type: 'array', uniqueItems: false } },
  })
  const many = Array.from({ length: 100_000 }, (_, i) => (i % 2 ? { a: { i }, b: 1 } : i))
  const begunAt = performance.now()
  expect(check({ list: many, any: [1, 1] })).toHaveProperty('value')
  // To compare each with each takes minutes.
  expect(performance.now() - begunAt).toBeLessThan(5_000)
  const different = [
    1,
    '1',
    '[1]',
    [1],
    { a: 1 },
    '{"a":1}',
    [['a', 1]],
    { a: '1' },
    null,
    'null',
    true,
    [],
    {},
    '',
  ]
  expect(check({ list: different })).toHaveProperty('value')
  const same: unknown[][] = [
    [1, 2, 1],
    [0, -0],
    ['a', 'b', 'a'],
    [null, null],
    [
      { a: 1, b: [{ c: 1, d: 2 }] },
      { b: [{ d: 2, c: 1 }], a: 1 },
    ],
    [
      [1, [2]],
      [1, [2]],
    ],
  ]
  for (const list of same) {
    expect(check({ list })).toEqual({
      problem: `/list must NOT have duplicate items (items ## 0 and ${list.length - 1} are identical)`,
    })
  }
})
