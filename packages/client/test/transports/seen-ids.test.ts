import { SeenIds } from '../../src/transports/seen-ids.ts'

test('the last id is the last one that came', () => {
  const seen = new SeenIds()
  expect(seen.last).toBeUndefined()
  const stream = seen.opened()
  seen.add('a', stream)
  seen.add(undefined, stream)
  expect(seen.last).toBe('a')
  seen.add('b 2', stream)
  expect(seen.last).toBe('b 2')
})

test.each(['', ' x', 'ünïcode', 'a\u0001', 'x'.repeat(2_000)])(
  'an id that a header cannot carry is none: %j',
  (id) => {
    const seen = new SeenIds()
    const stream = seen.opened()
    seen.add('a', stream)
    expect(seen.add(id, stream)).toBe(true)
    expect(seen.last).toBeUndefined()
    expect(seen.add(id, seen.opened())).toBe(true)
  },
)

test('an id is a repetition when another stream brought it, and only then', () => {
  const seen = new SeenIds()
  const [one, two, three] = [seen.opened(), seen.opened(), seen.opened()]
  expect(seen.add('a', one)).toBe(true)
  expect(seen.add('a', one)).toBe(true)
  expect(seen.add('a', two)).toBe(false)
  expect(seen.add('b', two)).toBe(true)
  expect(seen.add('b', one)).toBe(false)
  expect(seen.add('b', two)).toBe(true)
  expect(seen.add('b', three)).toBe(false)
  expect(seen.add('a', three)).toBe(false)
})

test('only so many ids are remembered', () => {
  const seen = new SeenIds()
  for (let stream = seen.opened(); stream < 2; stream = seen.opened()) {
    for (let i = 0; i < 5_000; i++) seen.add(`${stream}/${i}`, stream)
  }
  const repeated = (id: string) => !seen.add(id, 2)
  expect(repeated('1/4999')).toBe(true)
  expect(repeated('1/4000')).toBe(true)
  expect(repeated('1/2999')).toBe(false)
  expect(repeated('0/4999')).toBe(false)
})

test('the ids of the first stream are remembered over the next', () => {
  const seen = new SeenIds()
  const first = seen.opened()
  for (let i = 0; i < 5_000; i++) seen.add(String(i), first)
  const second = seen.opened()
  expect(seen.add('4999', second)).toBe(false)
  expect(seen.add('4000', second)).toBe(false)
  expect(seen.add('2999', second)).toBe(true)
})
