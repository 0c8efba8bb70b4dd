import fc from 'fast-check'
import { ChangeIndex } from '../../src/changes/change-index.ts'
import { ChangeReader } from '../../src/changes/change-reader.ts'
import type { TopicState } from '../../src/changes/topic.ts'

const topics = ['a:1', 'a:2', 'a:3', 'tools']

/** A reader of one reader: what it was told, and how much it still takes. */
class Model {
  readonly index: ChangeIndex
  readonly reader: ChangeReader
  room = Infinity
  told: { topic: string; seq: number }[] = []
  everTold: { topic: string; seq: number }[] = []
  readonly watchedSince = new Map<string, number>()

  constructor(index: ChangeIndex) {
    this.index = index
    this.reader = new ChangeReader(index, {
      isReady: () => this.room > 0,
      write: ({ topic, seq }: TopicState) => {
        this.room--
        this.told.push({ topic, seq })
        this.everTold.push({ topic, seq })
      },
    })
  }
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('publish' as const), topic: fc.constantFrom(...topics) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('watch' as const), topic: fc.constantFrom(...topics) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('unwatch' as const), topic: fc.constantFrom(...topics) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('room' as const), room: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.constant({ do: 'end of tick' as const }) },
  // The connection drops and what was under way is lost: the reader returns with fewer changes than were written.
  { weight: 2, arbitrary: fc.record({ do: fc.constant('drop' as const), lost: fc.nat(4) }) },
)

test('whatever happens, a reader ends up told of the latest change of each topic it watches, once and in order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const index = new ChangeIndex()
      const latest = new Map<string, number>()
      const model = new Model(index)
      for (const action of steps) {
        if (action.do === 'publish') {
          index.publish(action.topic)
          latest.set(action.topic, index.seq)
        } else if (action.do === 'watch') {
          if (!model.watchedSince.has(action.topic)) model.watchedSince.set(action.topic, index.seq)
          model.reader.watch(action.topic)
        } else if (action.do === 'unwatch') {
          model.watchedSince.delete(action.topic)
          model.reader.unwatch(action.topic)
        } else if (action.do === 'end of tick') {
          index.settle()
        } else if (action.do === 'room') {
          model.room = action.room
          model.reader.catchUp()
        } else {
          model.told = model.told.slice(0, Math.max(0, model.told.length - action.lost))
          model.reader.rewind(model.told.at(-1)?.seq ?? 0)
          model.room = 2
          model.reader.catchUp()
        }
        // In order, and no change twice, as the reader has seen it.
        const seqs = model.told.map(({ seq }) => seq)
        expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b))
      }
      index.settle()
      model.room = Infinity
      model.reader.catchUp()
      for (const [topic, since] of model.watchedSince) {
        const seq = latest.get(topic) ?? 0
        if (seq > since) expect(model.told).toContainEqual({ topic, seq })
      }
      model.reader.clear()
      expect(index.size).toBe(0)
    }),
    { numRuns: 500 },
  )
})

test('what changed before the watch began is not told', () => {
  const index = new ChangeIndex()
  const other = new Model(index)
  other.reader.watch('a:1')
  const model = new Model(index)
  model.room = 0
  model.reader.watch('a:2')
  index.publish('a:1')
  index.publish('a:2')
  model.reader.watch('a:1')
  model.room = Infinity
  model.reader.catchUp()
  expect(model.told).toEqual([{ topic: 'a:2', seq: 2 }])
})

test('a change is encoded once, however many subscribers it has', () => {
  const index = new ChangeIndex()
  let encoded = 0
  const frames = new Set<string>()
  const encode = () => String(++encoded)
  for (let i = 0; i < 100; i++) {
    const reader = new ChangeReader(index, {
      isReady: () => true,
      write: (state) => frames.add(state.frame(encode)),
    })
    reader.watch('a:1')
  }
  index.publish('a:1')
  expect([encoded, frames.size]).toEqual([1, 1])
  index.publish('a:1')
  index.settle()
  expect([encoded, frames.size]).toEqual([2, 2])
})

test('topics that nobody watches are remembered up to a bound, and it is known which are', () => {
  const index = new ChangeIndex()
  for (let i = 1; i <= 10_000; i++) index.publish(`a:${i}`)
  expect(index.size).toBe(0)
  expect(index.seq).toBe(10_000)
  expect(index.isComplete(0)).toBe(true)
  index.publish('a:1')
  expect(index.isComplete(0)).toBe(true)
  index.publish('b:1')
  // The change of a:2 was the oldest, and is forgotten.
  expect([index.isComplete(1), index.isComplete(2), index.isComplete(10_002)]).toEqual([false, true, true])
  expect(index.isComplete(10_003)).toBe(false)
})
