import { SeenIds } from '../src/transports/seen-ids.ts'

test('the last id is the last one that came', () => {
  const seen = new SeenIds()
  expect(seen.last).toBeUndefined()
  seen.add('a')
  seen.add(undefined)
  expect(seen.last).toBe('a')
  seen.add('b 2')
  expect(seen.last).toBe('b 2')
})

test.each(['', ' x', 'ünïcode', 'a\u0001', 'x'.repeat(2_000)])(
  'an id that a header cannot carry is none: %j',
  (id) => {
    const seen = new SeenIds()
    seen.add('a')
    expect(seen.add(id)).toBe(true)
    expect(seen.last).toBeUndefined()
    seen.reopened()
    expect(seen.add(id)).toBe(true)
  },
)

test('an id is a repetition when an earlier stream brought it, and only then', () => {
  const seen = new SeenIds()
  expect(seen.add('a')).toBe(true)
  expect(seen.add('a')).toBe(true)
  seen.reopened()
  expect(seen.add('a')).toBe(false)
  expect(seen.add('b')).toBe(true)
  expect(seen.add('b')).toBe(true)
  seen.reopened()
  expect(seen.add('b')).toBe(false)
  expect(seen.add('a')).toBe(false)
})

test('only so many ids are remembered', () => {
  const seen = new SeenIds()
  for (let i = 0; i <= 1_000; i++) seen.add(String(i))
  seen.reopened()
  expect(seen.add('1')).toBe(false)
  expect(seen.add('0')).toBe(true)
})
