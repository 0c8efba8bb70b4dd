import fc from 'fast-check'
import { ChangeIndex } from '../../src/changes/change-index.ts'
import { ChangeReader } from '../../src/changes/change-reader.ts'
import type { TopicState } from '../../src/changes/topic.ts'
import type { Backplane, ChangeFollower, ChangeSnapshot } from '../../src/index.ts'
import { MemoryBackplane } from '../../src/index.ts'

const topics = ['a:1', 'a:2', 'a:3', 'a:4']

/** An index whose connection to the backplane can be lost for a while. */
class Connection implements ChangeFollower {
  readonly index: ChangeIndex
  up = true
  readonly #store: MemoryBackplane

  constructor(store: MemoryBackplane) {
    this.#store = store
    const follow = (follower: ChangeFollower) => {
      follower.resync(this.#snapshot())
      return store.follow(this)
    }
    this.index = new ChangeIndex({ follow, publish: (topic: string) => store.publish(topic) } as Backplane)
  }

  resync(): void {
    // It has its snapshot already.
  }

  changed(topic: string, seq: number): void {
    if (this.up) this.index.changed(topic, seq)
  }

  /** @param forgotten how many of the oldest changes the backplane has forgotten. */
  reconnect(forgotten: number): void {
    this.up = true
    const { changes, ...snapshot } = this.#snapshot()
    const gone = changes.slice(0, forgotten)
    this.index.resync({
      ...snapshot,
      completeFrom: gone.at(-1)?.[1] ?? snapshot.completeFrom,
      changes: changes.slice(forgotten),
    })
  }

  #snapshot(): ChangeSnapshot {
    let snapshot: ChangeSnapshot | undefined
    const once: ChangeFollower = { resync: (each) => (snapshot = each), changed: () => {} }
    void this.#store.follow(once)
    this.#store.unfollow(once)
    return snapshot!
  }
}

test('a replica that lost its connection tells its readers what they missed, or that all may have changed', () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant('publish' as const), topic: fc.constantFrom(...topics) }),
    },
    { weight: 2, arbitrary: fc.constant({ do: 'disconnect' as const }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('reconnect' as const), forgotten: fc.nat(4) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('room' as const), room: fc.nat(3) }) },
  )
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 40 }),
      fc.subarray(topics, { minLength: 1 }),
      (steps, watched) => {
        const store = new MemoryBackplane()
        const connection = new Connection(store)
        let room = Infinity
        const told: { topic: string; seq: number; known: number }[] = []
        const reader = new ChangeReader(connection.index, {
          isReady: () => room > 0,
          write: ({ topic, seq }: TopicState) => {
            room--
            told.push({ topic, seq, known: connection.index.seq })
          },
        })
        for (const topic of watched) reader.watch(topic)
        const latest = new Map<string, number>()
        let published = 0
        for (const step of steps) {
          if (step.do === 'publish') {
            store.publish(step.topic)
            latest.set(step.topic, ++published)
          } else if (step.do === 'disconnect') connection.up = false
          else if (step.do === 'reconnect') connection.reconnect(step.forgotten)
          else {
            room = step.room
            reader.catchUp()
          }
        }
        connection.reconnect(0)
        connection.index.settle()
        room = Infinity
        reader.catchUp()
        expect(connection.index.seq).toBe(published)
        for (const topic of watched) {
          const seq = latest.get(topic)
          // Told of the change itself, or later that it may have changed.
          if (seq !== undefined) {
            expect(
              told.some(
                (each) => each.topic === topic && (each.seq === seq || (each.seq === 0 && each.known >= seq)),
              ),
            ).toBe(true)
          }
        }
        // Of what is known when it changed: never back, and never twice.
        const seqs = told.map(({ seq }) => seq).filter((seq) => seq > 0)
        expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b))
        reader.clear()
        expect(connection.index.size).toBe(0)
      },
    ),
    { numRuns: 1_000 },
  )
})

test('after another epoch a reader is told once of each topic, and can go back to no position from before', () => {
  const index = new ChangeIndex()
  const told: { topic: string; seq: number }[] = []
  let room = Infinity
  const reader = new ChangeReader(index, {
    isReady: () => room > 0,
    write: ({ topic, seq }: TopicState) => {
      room--
      told.push({ topic, seq })
    },
  })
  reader.watch('a:1')
  reader.watch('a:2')
  for (let i = 0; i < 5; i++) index.publish('a:1')
  index.settle()
  told.length = 0
  room = 1
  index.resync({ epoch: 'other', seq: 3, completeFrom: 0, changes: [['a:2', 3]] })
  expect([told, reader.position]).toEqual([[{ topic: 'a:1', seq: 0 }], 0])
  room = Infinity
  reader.catchUp()
  expect([told.length, told.at(-1), reader.position]).toEqual([2, { topic: 'a:2', seq: 0 }, 3])
  expect(reader.rewind(5)).toBe(false)
  expect(reader.rewind(2)).toBe(false)
  expect(reader.rewind(3)).toBe(true)
  reader.catchUp()
  expect(told).toHaveLength(2)
  // Who was not told of all of them has no position yet, and is told again.
  expect(reader.rewind(0)).toBe(true)
  reader.catchUp()
  expect(told).toHaveLength(4)
})

test('a reader that watches nothing does not take its position along into another epoch', () => {
  const index = new ChangeIndex()
  const told: number[] = []
  const reader = new ChangeReader(index, { isReady: () => true, write: ({ seq }) => told.push(seq) })
  for (let i = 0; i < 5; i++) index.publish('a:1')
  expect(reader.rewind(5)).toBe(false)
  const later = new ChangeReader(index, { isReady: () => true, write: ({ seq }) => told.push(seq) })
  index.resync({ epoch: 'other', seq: 1, completeFrom: 0, changes: [['a:1', 1]] })
  expect([later.position, later.rewind(5)]).toEqual([1, false])
  later.watch('a:1')
  index.changed('a:1', 2)
  expect(told).toEqual([2])
})
