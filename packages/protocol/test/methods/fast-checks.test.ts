import * as fc from 'fast-check'
import * as z from 'zod/mini'
import {
  CallToolRequestParams,
  listNames,
  lists,
  McpError,
  ModernRequestMeta,
  NotificationParams,
  parseModernMeta,
  parseParams,
  ResourceUpdatedNotificationParams,
} from '../../src/index.ts'
import * as client from '../../src/client.ts'
import { parseWith } from '../../src/jsonrpc/parse-with.ts'
import { arbitraryOf, mutantsOf, mutated } from '../arbitrary.ts'

const checks: [name: string, schema: z.ZodMiniType, parse: (value: unknown) => unknown][] = [
  ['the params of a call', CallToolRequestParams, (value) => parseParams('tools/call', value)],
  ['the _meta of a request', ModernRequestMeta, (value) => parseModernMeta({ _meta: value })],
  [
    'the params of a changed resource',
    ResourceUpdatedNotificationParams,
    (value) => client.parseParams('notifications/resources/updated', value),
  ],
  ...listNames.map((list): (typeof checks)[number] => [
    `the params of a changed list of ${list}`,
    z.optional(NotificationParams),
    (value) => client.parseParams(lists[list].changed, value),
  ]),
]

/** JSON text can name what a literal cannot. */
const withProto = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value).replace(/\{"(\w+)"/g, '{"__proto__":{"polluted":true},"$1"'))

test.each(checks)('%s are taken, refused and given as by their schema', (_name, schema, parse) => {
  const expectAsBySchema = (value: unknown) => {
    let expected: unknown
    try {
      expected = parseWith(schema, value, 0, '')
    } catch {
      expect(() => parse(value)).toThrow(McpError)
      return
    }
    expect(parse(value)).toEqual(expected)
  }
  const valid = arbitraryOf(schema)
  const any = fc.oneof(valid, mutated(valid), valid.map(withProto))
  fc.assert(fc.property(any, expectAsBySchema), { numRuns: 1000, seed: 20260728 })
  for (const value of fc.sample(valid, { numRuns: 30, seed: 20260728 }))
    mutantsOf(value).forEach(expectAsBySchema)
})

test('the arguments of a call are a copy', () => {
  const params = { name: 'water', arguments: { litres: 2 } }
  const parsed = parseParams('tools/call', params)
  parsed.arguments!['litres'] = 3
  expect(params).toEqual({ name: 'water', arguments: { litres: 2 } })
})
