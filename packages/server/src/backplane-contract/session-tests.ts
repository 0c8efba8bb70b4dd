import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Backplane } from '../backplane/backplane.ts'
import { RecordingNode } from './recording-node.ts'
import { type BackplaneStore, type OnStore, type TestRunner, until } from './store.ts'

const keepMs = 60_000

interface JoinedNode {
  backplane: Backplane
  name: string
}

async function joinNodes(connect: BackplaneStore['connect'], count: number): Promise<JoinedNode[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const backplane = await connect()
      await backplane.join(new RecordingNode(`n${i}`))
      return { backplane, name: `n${i}` }
    }),
  )
}

const session = fc.constantFrom('s1', 's2', 's3')
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('claim' as const), node: fc.nat(2), session }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('adopt' as const), node: fc.nat(2), session }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('save' as const), node: fc.nat(2), session, record: fc.string() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('handOver' as const),
      node: fc.nat(2),
      session,
      record: fc.string(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), node: fc.nat(2), session }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('retire' as const), node: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), node: fc.nat(2) }) },
)

/** What the directory should know of a session. */
interface Known {
  home: string | undefined
  record: string | undefined
}

/** The homes of sessions, and what is stored of them. */
export function sessionTests(runner: TestRunner, on: OnStore, numRuns: number): void {
  const test: TestRunner['test'] = (name, body) => runner.test(name, body)

  test('a session has one home, and what its home has stored is there for the next', () =>
    fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), (steps) =>
        on(async (connect) => {
          const nodes = await joinNodes(connect, 3)
          let lastNode = nodes.length
          const retired = new Set<string>()
          const sessions = new Map<string, Known>()
          for (const step of steps) {
            const node = nodes[step.node]!
            const { backplane, name } = node
            if (step.do === 'retire') {
              backplane.retire(name)
              retired.add(name)
              continue
            }
            if (step.do === 'leave') {
              await backplane.leave(name)
              for (const [id, known] of sessions) {
                if (known.home !== name) continue
                known.home = undefined
                if (known.record === undefined) sessions.delete(id)
              }
              node.name = `n${lastNode++}`
              await backplane.join(new RecordingNode(node.name))
              continue
            }
            let known = sessions.get(step.session)
            const isHome = known?.home === name
            if (step.do === 'claim') {
              if (known === undefined) sessions.set(step.session, (known = { home: name, record: undefined }))
              known.home ??= name
              const place = await backplane.claim(step.session, name, keepMs)
              assert.deepEqual([place.home, place.record], seenBy(name, known))
            } else if (step.do === 'adopt') {
              if (known !== undefined) known.home ??= name
              const place = await backplane.adopt(step.session, name)
              assert.deepEqual(place && [place.home, place.record], known && seenBy(name, known))
            } else if (step.do === 'save') {
              assert.equal(await backplane.save(step.session, name, step.record), isHome)
              if (isHome) known!.record = step.record
            } else if (step.do === 'handOver') {
              const others = nodes
                .map((each) => each.name)
                .filter((each) => each !== name && !retired.has(each))
              const home = await backplane.handOver(step.session, name, step.record)
              if (isHome && others.length > 0) assert.ok(others.includes(home!), `It went to ${home}`)
              else assert.equal(home, undefined)
              if (isHome) Object.assign(known!, { home, record: step.record })
            } else {
              backplane.release(step.session, name)
              if (isHome) sessions.delete(step.session)
              // What is asked next comes after.
              if (isHome) assert.equal(await backplane.adopt(step.session, name), undefined)
            }
          }
        })(),
      ),
      { numRuns },
    ))

  test(
    'of nodes that claim a session at once, one gets it',
    on(async (connect) => {
      const nodes = await joinNodes(connect, 5)
      const places = await Promise.all(nodes.map(({ backplane, name }) => backplane.claim('s', name, keepMs)))
      assert.equal(new Set(places.map(({ home }) => home)).size, 1)
    }),
  )

  test(
    'of nodes that adopt a session at once, one gets it, with all that was stored',
    on(async (connect) => {
      const nodes = await joinNodes(connect, 5)
      const [first, ...others] = nodes
      await first!.backplane.claim('s', first!.name, keepMs, 'as it began')
      assert.equal(await first!.backplane.save('s', first!.name, 'as it was'), true)
      await first!.backplane.leave(first!.name)
      const places = await Promise.all(others.map(({ backplane, name }) => backplane.adopt('s', name)))
      const [home, ...none] = new Set(places.map((place) => place?.home))
      assert.deepEqual(none, [])
      const owner = others.findIndex(({ name }) => name === home)
      assert.deepEqual(
        places.map((place) => place?.record),
        others.map((_, i) => (i === owner ? 'as it was' : undefined)),
      )
      assert.equal(await first!.backplane.save('s', first!.name, 'too late'), false)
    }),
  )

  test(
    'what is stored of a session without a home is kept for its time',
    on(async (connect) => {
      const [one, two] = await joinNodes(connect, 2)
      const shortMs = 500
      const ids = Array.from({ length: 200 }, (_, i) => `s${i}`)
      await Promise.all(ids.map((id) => one!.backplane.claim(id, one!.name, shortMs, 'stored')))
      await two!.backplane.claim('kept', two!.name, shortMs, 'stored')
      await one!.backplane.leave(one!.name)
      const look = async () => (await two!.backplane.adopt(ids.pop()!, two!.name))?.record
      assert.equal(await look(), 'stored')
      // To look at one is to adopt it: each is looked at once.
      await until(
        async () => {
          await new Promise((resolve) => setTimeout(resolve, 100))
          return (await look()) === undefined
        },
        'it is still there',
        15_000,
      )
      const place = await two!.backplane.adopt('kept', two!.name)
      assert.deepEqual([place?.home, place?.record], [two!.name, 'stored'])
    }),
  )
}

function seenBy(node: string, { home, record }: Known): [string | undefined, string | undefined] {
  return [home, home === node ? record : undefined]
}
