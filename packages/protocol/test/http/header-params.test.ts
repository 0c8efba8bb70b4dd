import * as fc from 'fast-check'
import { decodeHeaderValue, headerArguments, headerParams, paramHeaders } from '../../src/index.ts'

const executeSql = {
  type: 'object',
  properties: {
    region: { type: 'string', description: 'The region to execute the query in', 'x-mcp-header': 'Region' },
    query: { type: 'string', description: 'The SQL query to execute' },
  },
  required: ['region', 'query'],
}

/** A schema whose only property is this one. */
const withProperty = (property: unknown) => ({ type: 'object', properties: { value: property } })

const region = { type: 'string', 'x-mcp-header': 'Region' }

test("the specification's example is sent with its header", () => {
  expect(headerParams(executeSql)).toEqual([{ path: ['region'], header: 'Mcp-Param-Region', type: 'string' }])
  expect(paramHeaders(executeSql, { region: 'us-west1', query: 'SELECT * FROM users' })).toEqual({
    'Mcp-Param-Region': 'us-west1',
  })
})

test('a schema without annotations has no headers', () => {
  expect(headerParams({ type: 'object' })).toEqual([])
  expect(paramHeaders({ type: 'object', properties: { a: true, b: { type: 'string' } } }, { a: 1 })).toEqual(
    {},
  )
})

test('a schema is searched once', () => {
  let searched = 0
  const schema = {
    type: 'object',
    get properties() {
      searched++
      return { region }
    },
  }
  const params = headerParams(schema)
  expect(headerParams(schema)).toBe(params)
  expect(paramHeaders(schema, { region: 'a' })).toEqual({ 'Mcp-Param-Region': 'a' })
  expect(searched).toBe(1)
})

const nested = {
  type: 'object',
  properties: {
    at: {
      type: 'object',
      properties: {
        zone: region,
        floor: { type: 'integer', 'x-mcp-header': 'Floor' },
        dark: { type: 'boolean', 'x-mcp-header': 'dark' },
      },
    },
  },
}

test('a property inside another is found at its path', () => {
  expect(headerParams(nested)).toEqual([
    { path: ['at', 'zone'], header: 'Mcp-Param-Region', type: 'string' },
    { path: ['at', 'floor'], header: 'Mcp-Param-Floor', type: 'integer' },
    { path: ['at', 'dark'], header: 'Mcp-Param-dark', type: 'boolean' },
  ])
  expect(paramHeaders(nested, { at: { zone: 'Hello, 世界', floor: -7, dark: false } })).toEqual({
    'Mcp-Param-Region': '=?base64?SGVsbG8sIOS4lueVjA==?=',
    'Mcp-Param-Floor': '-7',
    'Mcp-Param-dark': 'false',
  })
})

test('arguments that are absent, null, or that no header can stand for have no header', () => {
  for (const args of [
    undefined,
    {},
    { at: null },
    { at: 'here' },
    { at: { zone: null } },
    { at: { zone: {}, floor: 2 ** 53, dark: [] } },
    { at: { floor: NaN } },
    { at: { floor: -Infinity } },
    { at: Object.create({ zone: 'inherited' }) },
  ]) {
    expect(headerArguments(nested, args)).toEqual([])
  }
  expect(headerArguments(nested, { at: { zone: '', floor: 0 } })).toEqual([
    { header: 'Mcp-Param-Region', value: '' },
    { header: 'Mcp-Param-Floor', value: 0 },
  ])
})

test.each<[string, unknown]>([
  ['is empty', { type: 'string', 'x-mcp-header': '' }],
  ['is no string', { type: 'string', 'x-mcp-header': 1 }],
  ['has a space', { type: 'string', 'x-mcp-header': 'My Region' }],
  ['has a colon', { type: 'string', 'x-mcp-header': 'Region:Primary' }],
  ['is not ASCII', { type: 'string', 'x-mcp-header': 'Région' }],
  ['has a tab', { type: 'string', 'x-mcp-header': 'Region\t1' }],
  ['has a line break', { type: 'string', 'x-mcp-header': 'Region\r\nX: 1' }],
  ['ends with a line break', { type: 'string', 'x-mcp-header': 'Region\n' }],
  ['is of a number', { type: 'number', 'x-mcp-header': 'Level' }],
  ['is of an object', { type: 'object', 'x-mcp-header': 'Data' }],
  ['is of an array', { type: 'array', items: { type: 'string' }, 'x-mcp-header': 'Items' }],
  ['is of null', { type: 'null', 'x-mcp-header': 'Nil' }],
  ['is of several types', { type: ['string', 'null'], 'x-mcp-header': 'Some' }],
  ['is of no type', { 'x-mcp-header': 'Any' }],
])('a tool whose annotation %s is invalid', (_, property) => {
  expect(() => headerParams(withProperty(property))).toThrow(/^Invalid x-mcp-header at value: /)
})

test.each<[string, object]>([
  ['the root', { type: 'object', 'x-mcp-header': 'Root' }],
  ['items', withProperty({ type: 'array', items: region })],
  ['prefixItems', withProperty({ type: 'array', prefixItems: [region] })],
  ['additionalProperties', { type: 'object', additionalProperties: region }],
  ['patternProperties', { type: 'object', patternProperties: { '^a': region } }],
  ['dependentSchemas', { type: 'object', dependentSchemas: { a: { properties: { b: region } } } }],
  ['oneOf', withProperty({ oneOf: [region, { type: 'null' }] })],
  ['anyOf', { type: 'object', anyOf: [{ properties: { value: region } }] }],
  ['allOf', { type: 'object', allOf: [{ properties: { value: region } }] }],
  ['not', { type: 'object', not: { properties: { value: region } } }],
  ['if', { type: 'object', if: { properties: { value: region } } }],
  ['then', { type: 'object', if: true, then: { properties: { value: region } } }],
  ['else', { type: 'object', if: true, else: { properties: { value: region } } }],
  ['$defs, where only $ref leads', { ...withProperty({ $ref: '#/$defs/a' }), $defs: { a: region } }],
  ['properties of items', withProperty({ type: 'array', items: withProperty(region) })],
])('an annotation in %s is invalid', (_, schema) => {
  expect(() => headerParams(schema)).toThrow('only a property that is reached by `properties` alone')
})

test('two properties cannot have the same header, whatever its case', () => {
  const schema = {
    type: 'object',
    properties: {
      a: { type: 'string', 'x-mcp-header': 'MyField' },
      b: { type: 'object', properties: { c: { type: 'string', 'x-mcp-header': 'myfield' } } },
    },
  }
  expect(() => headerParams(schema)).toThrow(
    'Invalid x-mcp-header at b.c: another property has the header Mcp-Param-myfield already',
  )
})

test('what is no annotation is left alone: data, and properties and definitions of that name', () => {
  const schema = {
    type: 'object',
    default: { 'x-mcp-header': 'A' },
    examples: [{ 'x-mcp-header': 'B' }],
    properties: {
      'x-mcp-header': { type: 'string' },
      value: { type: 'object', const: { 'x-mcp-header': 'C' }, enum: [{ 'x-mcp-header': 'C' }] },
      properties: { type: 'string', 'x-mcp-header': 'Properties' },
    },
    $defs: { 'x-mcp-header': { type: 'string' }, default: { type: 'string' } },
  }
  expect(headerParams(schema)).toEqual([
    { path: ['properties'], header: 'Mcp-Param-Properties', type: 'string' },
  ])
})

test('names that every object inherits are names as any other', () => {
  const properties = JSON.parse(
    '{"__proto__":{"type":"string","x-mcp-header":"__proto__"},"constructor":{"type":"string","x-mcp-header":"toString"}}',
  ) as object
  expect(paramHeaders({ type: 'object', properties }, {})).toEqual({})
  const args: unknown = JSON.parse('{"__proto__":"a","constructor":"b"}')
  expect(paramHeaders({ type: 'object', properties }, args)).toEqual({
    'Mcp-Param-__proto__': 'a',
    'Mcp-Param-toString': 'b',
  })
})

test('whatever the arguments, their headers say what they are', () => {
  const scalars = fc.oneof(fc.string({ unit: 'binary' }), fc.maxSafeInteger(), fc.boolean())
  const names = fc.constantFrom('a', 'b', 'c', 'd')
  fc.assert(
    fc.property(fc.dictionary(names, scalars, { noNullPrototype: true }), (args) => {
      const properties = Object.fromEntries(
        ['a', 'b', 'c', 'd'].map((name) => [name, { type: 'string', 'x-mcp-header': name }]),
      )
      const headers = paramHeaders({ type: 'object', properties }, args)
      const decoded = Object.entries(headers).map(([header, text]) => [header, decodeHeaderValue(text)])
      const expected = Object.entries(args).map(([name, value]) => [`Mcp-Param-${name}`, String(value)])
      expect(Object.fromEntries(decoded)).toEqual(Object.fromEntries(expected))
    }),
  )
})
