import assert from 'node:assert/strict'
import fc from 'fast-check'
import { RecordingFollower } from './recording-follower.ts'
import { type OnStore, type TestRunner, until } from './store.ts'

const topic = fc.constantFrom('a:1', 'a:2', 'a:3', 'tools', 'ü:\u{1F600} "')

/** The order of changes. */
export function changeTests(runner: TestRunner, on: OnStore, numRuns: number): void {
  const test: TestRunner['test'] = (name, body) => runner.test(name, body)

  test(
    'a follower has its snapshot when follow() resolves',
    on(async (connect) => {
      const follower = new RecordingFollower()
      await (await connect()).follow(follower)
      const { resyncs, seq, completeFrom, known } = follower
      assert.deepEqual(
        { resyncs, seq, completeFrom, known },
        { resyncs: 1, seq: 0, completeFrom: 0, known: [] },
      )
    }),
  )

  test('all followers are told of all changes in one order, whoever published them', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.record({ by: fc.nat(2), topic }), { maxLength: 40 }), (publishes) =>
        on(async (connect) => {
          const nodes = [await connect(), await connect(), await connect()]
          const followers = nodes.map(() => new RecordingFollower())
          await Promise.all(nodes.map((node, i) => node.follow(followers[i]!)))
          for (const { by, topic } of publishes) nodes[by]!.publish(topic)
          const ends = nodes.map((node, i) => {
            node.publish(`end:${i}`)
            return `end:${i}`
          })
          await until(() => followers.every((follower) => follower.knows(ends)), 'not all was told')
          const [first, ...others] = followers
          await until(() => others.every(({ seq }) => seq === first!.seq), 'one is behind')
          for (const { epoch, told } of others) assert.deepEqual([epoch, told], [first!.epoch, first!.told])
          const told = first!.told.map(([topic]) => topic)
          assert.deepEqual(new Set(told), new Set([...publishes.map(({ topic }) => topic), ...ends]))
          // Each topic is told after it was published last, and before what its node published next.
          for (const by of [0, 1, 2]) {
            const own = publishes.filter((each) => each.by === by).map((each) => each.topic)
            const latest = [...new Set(own.reverse())].reverse()
            const places = [...latest, `end:${by}`].map((each) => told.lastIndexOf(each))
            const others = new Set(publishes.filter((each) => each.by !== by).map((each) => each.topic))
            const alone = places.filter((_, i) => !others.has(latest[i]!))
            assert.deepEqual(
              alone,
              alone.toSorted((a, b) => a - b),
            )
          }
        })(),
      ),
      { numRuns },
    ))

  test('a snapshot and what follows it are all there is, whenever a follower comes', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(topic, { maxLength: 20 }),
        fc.array(topic, { maxLength: 20 }),
        fc.array(topic, { maxLength: 20 }),
        (before, meanwhile, after) =>
          on(async (connect) => {
            const [one, two] = [await connect(), await connect()]
            const [early, late] = [new RecordingFollower(), new RecordingFollower()]
            await one.follow(early)
            for (const each of before) one.publish(each)
            const following = two.follow(late)
            for (const each of [...meanwhile, 'end:1']) one.publish(each)
            await following
            for (const each of [...after, 'end:2']) two.publish(each)
            const ends = ['end:1', 'end:2']
            await until(() => early.knows(ends) && late.knows(ends), 'not all was told')
            await until(() => early.seq === late.seq, 'one is behind')
            assert.deepEqual([late.epoch, late.known], [early.epoch, early.known])
          })(),
      ),
      { numRuns },
    ))

  test(
    'more topics than are remembered: the snapshot says from where on it is complete',
    on(async (connect) => {
      const one = await connect()
      const early = new RecordingFollower()
      await one.follow(early)
      const topics = 25_000
      for (let i = 0; i < topics; i++) one.publish(`a:${i}`)
      await until(() => early.seq === topics, 'not all was told')
      const late = new RecordingFollower()
      await (await connect()).follow(late)
      assert.equal(late.seq, topics)
      assert.deepEqual(
        late.known,
        early.known.filter(([, seq]) => seq > late.completeFrom),
      )
      assert.ok(
        late.known.length <= 20_000 && late.known.length >= 1_000,
        `It remembers ${late.known.length}`,
      )
    }),
  )

  test(
    'a follower that publishes when it is told, and one that stops following',
    on(async (connect) => {
      const [one, two] = [await connect(), await connect()]
      const [echo, follower, gone] = [
        new RecordingFollower(),
        new RecordingFollower(),
        new RecordingFollower(),
      ]
      const changed = echo.changed.bind(echo)
      echo.changed = (topic, seq) => {
        changed(topic, seq)
        if (topic === 'a:1') one.publish('a:2')
      }
      await Promise.all([one.follow(echo), one.follow(gone), two.follow(follower)])
      one.publish('a:1')
      await until(() => follower.seq === 2 && gone.seq === 2, 'one of the two was not told')
      one.unfollow(gone)
      one.publish('a:3')
      await until(() => follower.seq === 3, 'the third was not told')
      assert.deepEqual(follower.told, [
        ['a:1', 1],
        ['a:2', 2],
        ['a:3', 3],
      ])
      assert.equal(gone.seq, 2)
    }),
  )
}
