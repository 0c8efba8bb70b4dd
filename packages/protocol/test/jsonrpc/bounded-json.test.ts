import * as fc from 'fast-check'
import { defaultJsonBounds, errorCodes, parseJson, requireWithin } from '../../src/index.ts'

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

function valuesIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce<number>((sum, member) => sum + valuesIn(member), 1)
}

const json = fc.jsonValue({ maxDepth: 6, depthSize: 'large' })
const space = fc.constantFrom('', ' ', '\n\t')
// Strings of all that the scan of the text looks for.
const strings = fc.stringMatching(/^[[\]{},"\\ a]*$/)
const tricky = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 5, depthSize: 'small' }, strings, tie('array'), tie('object'), fc.double()),
  array: fc.array(tie('value'), { maxLength: 4 }),
  object: fc.dictionary(strings, tie('value'), { maxKeys: 4 }),
})).value

const values = fc.oneof(json, tricky)
const bounds = fc.record({ maxDepth: fc.nat(6), maxValues: fc.integer({ min: 1, max: 30 }) })

test('within the bounds a text is what JSON.parse makes of it, and past them it is refused', () => {
  fc.assert(
    fc.property(values, space, bounds, (value, indent, { maxDepth, maxValues }) => {
      const text = JSON.stringify(value, null, indent)
      const decoded: unknown = JSON.parse(text)
      const isWithin = depthOf(decoded) <= maxDepth && valuesIn(decoded) <= maxValues
      for (const read of [
        () => parseJson(text, { maxDepth, maxValues }),
        () => requireWithin(decoded, { maxDepth, maxValues }) ?? decoded,
      ]) {
        if (isWithin) expect(read()).toEqual(decoded)
        else expect(read).toThrow(expect.objectContaining({ code: errorCodes.invalidRequest }))
      }
    }),
    { numRuns: 3_000 },
  )
})

test('a text that is not JSON is refused as such, or as past a bound, and as JSON.parse would', () => {
  const text = fc.oneof(
    fc.stringMatching(/^[[\]{},":\\ 0a]*$/),
    fc.tuple(values, fc.nat()).map(([value, at]) => JSON.stringify(value).slice(0, at)),
  )
  fc.assert(
    fc.property(text, (text) => {
      let decoded: unknown
      try {
        decoded = JSON.parse(text)
      } catch {
        expect(() => parseJson(text, { maxDepth: 3, maxValues: 5 })).toThrow(
          /^(Not JSON: |A message must not )/,
        )
        return
      }
      expect(parseJson(text)).toEqual(decoded)
    }),
    { numRuns: 3_000 },
  )
})

test.each([
  ['depth', '['.repeat(101) + ']'.repeat(101), 'A message must not be nested more than 100 deep'],
  [
    'depth, where strings hold brackets',
    `{"[[":${'{"a":'.repeat(100)}"}"${'}'.repeat(101)}`,
    'A message must not be nested more than 100 deep',
  ],
  [
    'values',
    `[${'0,'.repeat(99_999)}0]`,
    'A message must not hold more than 100000 values: send less in one',
  ],
  [
    'values that are empty',
    `[${'[],'.repeat(99_999)}{}]`,
    'A message must not hold more than 100000 values: send less in one',
  ],
])('the error names the bound: %s', (_, text, message) => {
  const error = expect.objectContaining({ code: errorCodes.invalidRequest, message })
  expect(() => parseJson(text)).toThrow(error)
  expect(() => requireWithin(JSON.parse(text))).toThrow(error)
})

test('as much as the bounds allow is taken', () => {
  const { maxDepth, maxValues } = defaultJsonBounds
  const deep = '['.repeat(maxDepth) + ']'.repeat(maxDepth)
  const wide = `[${'0,'.repeat(maxValues - 2)}0]`
  for (const text of [deep, wide]) {
    expect(parseJson(text)).toEqual(JSON.parse(text))
    expect(requireWithin(JSON.parse(text))).toBeUndefined()
  }
})

test('a value that goes in circles is refused', () => {
  const value: unknown[] = []
  value.push(value)
  expect(() => requireWithin(value)).toThrow('nested more than 100 deep')
  const tree: unknown[] = []
  tree.push(tree, tree)
  expect(() => requireWithin(tree, { maxDepth: 1_000, maxValues: 100_000 })).toThrow(
    'more than 100000 values',
  )
})

test.each([
  ['deep', '['.repeat(8_000_000)],
  ['wide', `[${'0,'.repeat(8_000_000)}0]`],
  ['backslashes', `["${'\\\\'.repeat(4_000_000)}","${'\\"'.repeat(4_000_000)}"]`],
  ['one string', `{"a":"${'[{,'.repeat(5_000_000)}"}`],
])('16 MB of one thing take no longer than 16 MB: %s', (_, text) => {
  const began = performance.now()
  try {
    parseJson(text)
  } catch (error) {
    expect(error).toMatchObject({ code: errorCodes.invalidRequest })
  }
  expect(performance.now() - began).toBeLessThan(2_000)
})
