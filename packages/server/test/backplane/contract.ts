import fc from 'fast-check'
import { until } from '@tidings/testkit/until'
import type { Backplane, ChangeFollower, ChangeSnapshot, BackplaneNode } from '../../src/index.ts'

/** What a backplane's implementation gives to be tested. */
export interface BackplaneUnderTest {
  /**
   * One that joins the same store as all others of this test: as another process would. What belongs to a single process
   * gives the same one each time.
   */
  connect(): Promise<Backplane>
  /** Ends all connections, and throws the store away. */
  close(): Promise<void>
}

/** A follower that checks what it is told, and knows the latest change of each topic. */
class Follower implements ChangeFollower {
  epoch = ''
  seq = -1
  resyncs = 0
  completeFrom = 0
  latest = new Map<string, number>()
  /** All it was told by `changed`. */
  readonly told: [topic: string, seq: number][] = []

  resync({ epoch, seq, completeFrom, changes }: ChangeSnapshot): void {
    expect(epoch).toMatch(/^[\w-]{1,16}$/)
    const seqs = changes.map(([, each]) => each)
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b))
    expect(seqs.every((each) => each > completeFrom && each <= seq)).toBe(true)
    expect(new Set(changes.map(([topic]) => topic)).size).toBe(changes.length)
    this.resyncs++
    this.epoch = epoch
    this.seq = seq
    this.completeFrom = completeFrom
    this.latest = new Map(changes)
  }

  changed(topic: string, seq: number): void {
    // Not before the snapshot, and without a gap. expect() is too slow for so many.
    if (this.resyncs === 0 || seq !== this.seq + 1) throw new Error(`Told of ${seq} after ${this.seq}`)
    this.seq = seq
    this.latest.set(topic, seq)
    this.told.push([topic, seq])
  }

  /** What it knows, sorted. */
  get known(): [string, number][] {
    return [...this.latest].sort(([, a], [, b]) => a - b)
  }
}

/** A node that keeps its mail. */
class Node implements BackplaneNode {
  readonly node: string
  readonly mail: { from: string; text: string }[] = []
  readonly lost: string[] = []

  constructor(node: string) {
    this.node = node
  }

  receive(from: string, mail: Uint8Array): void {
    this.mail.push({ from, text: Buffer.from(mail).toString() })
  }

  gone(node: string): void {
    this.lost.push(node)
  }

  displaced(): void {}
}

const topic = fc.constantFrom('a:1', 'a:2', 'a:3', 'tools', 'ü:\u{1F600} "')

/**
 * What holds for every backplane. An implementation's tests call it, and add what is its own: a lost connection, a node
 * that dies.
 *
 * @param make a new store for each test.
 * @param runs how often each property is tried.
 */
export function backplaneContract(
  name: string,
  make: () => Promise<BackplaneUnderTest>,
  { runs = 100 }: { runs?: number } = {},
): void {
  /** Runs the test on a store of its own. */
  async function on(test: (connect: BackplaneUnderTest['connect']) => Promise<void>): Promise<void> {
    const store = await make()
    try {
      await test(() => store.connect())
    } finally {
      await store.close()
    }
  }

  describe(`${name} keeps the contract of a backplane`, () => {
    test('a follower has its snapshot when follow() resolves', () =>
      on(async (connect) => {
        const follower = new Follower()
        await (await connect()).follow(follower)
        expect(follower).toMatchObject({ resyncs: 1, seq: 0, completeFrom: 0, known: [] })
      }))

    test('all followers are told of all changes in one order, whoever published them', () =>
      fc.assert(
        fc.asyncProperty(
          fc.array(fc.record({ by: fc.nat(2), topic }), { maxLength: 40 }),
          async (publishes) =>
            on(async (connect) => {
              const nodes = [await connect(), await connect(), await connect()]
              const followers = nodes.map(() => new Follower())
              await Promise.all(nodes.map((node, i) => node.follow(followers[i]!)))
              for (const publish of publishes) nodes[publish.by]!.publish(publish.topic)
              await until(() => followers.every(({ seq }) => seq === publishes.length), 'not all was told')
              const [first, ...others] = followers
              for (const other of others)
                expect([other.epoch, other.told]).toEqual([first!.epoch, first!.told])
              expect(first!.told.map(([topic]) => topic).sort()).toEqual(
                publishes.map(({ topic }) => topic).sort(),
              )
              // What one node publishes keeps its order.
              for (const by of [0, 1, 2]) {
                const own = publishes.filter((each) => each.by === by).map((each) => each.topic)
                const told = first!.told.map(([topic]) => topic)
                let from = 0
                for (const each of own) from = told.indexOf(each, from) + 1 || Number.NaN
                expect(from).not.toBeNaN()
              }
            }),
        ),
        { numRuns: runs },
      ))

    test('a snapshot and what follows it are all there is, whenever a follower comes', () =>
      fc.assert(
        fc.asyncProperty(
          fc.array(topic, { maxLength: 20 }),
          fc.array(topic, { maxLength: 20 }),
          fc.array(topic, { maxLength: 20 }),
          async (before, meanwhile, after) =>
            on(async (connect) => {
              const [one, two] = [await connect(), await connect()]
              const [early, late] = [new Follower(), new Follower()]
              await one.follow(early)
              for (const each of before) one.publish(each)
              const following = two.follow(late)
              for (const each of meanwhile) one.publish(each)
              await following
              for (const each of after) two.publish(each)
              const all = before.length + meanwhile.length + after.length
              await until(() => early.seq === all && late.seq === all, 'not all was told')
              expect([late.epoch, late.known]).toEqual([early.epoch, early.known])
            }),
        ),
        { numRuns: runs },
      ))

    test('more topics than are remembered: the snapshot says from where on it is complete', () =>
      on(async (connect) => {
        const one = await connect()
        const early = new Follower()
        await one.follow(early)
        const topics = 25_000
        for (let i = 0; i < topics; i++) one.publish(`a:${i}`)
        await until(() => early.seq === topics, 'not all was told')
        const late = new Follower()
        await (await connect()).follow(late)
        expect(late.seq).toBe(topics)
        expect(late.known).toEqual(early.known.filter(([, seq]) => seq > late.completeFrom))
        expect(late.known.length).toBeLessThanOrEqual(20_000)
        expect(late.known.length).toBeGreaterThanOrEqual(1_000)
      }))

    test('a follower that publishes when it is told, and one that stops following', () =>
      on(async (connect) => {
        const [one, two] = [await connect(), await connect()]
        const [echo, follower, gone] = [new Follower(), new Follower(), new Follower()]
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
        expect(follower.told).toEqual([
          ['a:1', 1],
          ['a:2', 2],
          ['a:3', 3],
        ])
        expect(gone.seq).toBe(2)
      }))

    test('a session has one home, until it is released or its node leaves', () => {
      const step = fc.oneof(
        fc.record({
          do: fc.constantFrom('claim' as const, 'release' as const),
          node: fc.nat(2),
          session: fc.nat(2),
        }),
        fc.record({ do: fc.constant('leave' as const), node: fc.nat(2) }),
      )
      return fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) =>
          on(async (connect) => {
            let lastNode = 0
            const nodes = await Promise.all(
              [0, 1, 2].map(async () => ({ backplane: await connect(), name: `n${++lastNode}` })),
            )
            for (const { backplane, name } of nodes) await backplane.join(new Node(name))
            const homes = new Map<number, string>()
            for (const step of steps) {
              const { backplane, name } = nodes[step.node]!
              if (step.do === 'claim') {
                const home = homes.get(step.session) ?? name
                homes.set(step.session, home)
                expect(await backplane.claim(`s${step.session}`, name, 60_000)).toMatchObject({ home })
              } else if (step.do === 'release') {
                backplane.release(`s${step.session}`, name)
                if (homes.get(step.session) === name) homes.delete(step.session)
                // What it does next comes after.
                expect((await backplane.adopt(`s${step.session}`, name))?.home).toBe(homes.get(step.session))
              } else {
                await backplane.leave(name)
                for (const [session, home] of homes) if (home === name) homes.delete(session)
                nodes[step.node]!.name = `n${++lastNode}`
                await backplane.join(new Node(nodes[step.node]!.name))
              }
              for (const session of [0, 1, 2]) {
                for (const node of nodes) {
                  const place = await node.backplane.adopt(`s${session}`, node.name)
                  expect(place?.home).toBe(homes.get(session))
                }
              }
            }
          }),
        ),
        { numRuns: runs },
      )
    })

    test('of nodes that claim a session at once, one gets it', () =>
      on(async (connect) => {
        const backplanes = await Promise.all(Array.from({ length: 5 }, connect))
        await Promise.all(backplanes.map((backplane, i) => backplane.join(new Node(`n${i}`))))
        const homes = await Promise.all(
          backplanes.map((backplane, i) => backplane.claim('s', `n${i}`, 60_000)),
        )
        expect(new Set(homes.map(({ home }) => home)).size).toBe(1)
      }))

    test('mail arrives once, unchanged, in order from each node to each', () =>
      fc.assert(
        fc.asyncProperty(
          fc.array(fc.record({ from: fc.nat(2), to: fc.nat(2) }), { maxLength: 60 }),
          async (mails) =>
            on(async (connect) => {
              const backplanes = await Promise.all([connect(), connect(), connect()])
              const nodes = backplanes.map((_, i) => new Node(`n${i}`))
              await Promise.all(backplanes.map((backplane, i) => backplane.join(nodes[i]!)))
              const sent = mails.map(({ from, to }, i) => {
                const text = `${i} \u{1F600}\n\r${'x'.repeat(i)}`
                return { from: `n${from}`, to: `n${to}`, text }
              })
              await Promise.all(
                sent.map(({ from, to, text }, i) =>
                  backplanes[mails[i]!.from]!.send(from, to, Buffer.from(text)),
                ),
              )
              await until(
                () => nodes.reduce((all, { mail }) => all + mail.length, 0) >= sent.length,
                'mail is missing',
              )
              for (const from of ['n0', 'n1', 'n2']) {
                for (const { node, mail } of nodes) {
                  const expected = sent.filter((each) => each.from === from && each.to === node)
                  expect(mail.filter((each) => each.from === from).map(({ text }) => text)).toEqual(
                    expected.map(({ text }) => text),
                  )
                }
              }
            }),
        ),
        { numRuns: runs },
      ))

    test('mail of any bytes arrives as it is', () =>
      on(async (connect) => {
        const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) % 256))
        const received: Buffer[] = []
        const member = {
          node: 'b',
          receive: (_: string, mail: Uint8Array) => received.push(Buffer.from(mail)),
          gone() {},
          displaced() {},
        }
        await (await connect()).join(member)
        const one = await connect()
        await one.join(new Node('a'))
        await one.send('a', 'b', bytes)
        await until(() => received.length > 0, 'it has not arrived')
        expect(received[0]!.equals(bytes)).toBe(true)
      }))

    test('when a node leaves, the others are told after its mail; mail to it is refused, or it is gone', () =>
      on(async (connect) => {
        const [one, two] = [await connect(), await connect()]
        const [a, b] = [new Node('a'), new Node('b')]
        await Promise.all([one.join(a), two.join(b)])
        let mailWhenGone = 0
        b.gone = (node) => {
          b.lost.push(node)
          mailWhenGone = b.mail.length
        }
        for (let i = 0; i < 10; i++) void one.send('a', 'b', Buffer.from(String(i)))
        await one.leave('a')
        await until(() => b.lost.length > 0, 'b was not told')
        expect([b.lost, b.mail.length, mailWhenGone]).toEqual([['a'], 10, 10])
        await expect(two.send('b', 'a', Buffer.from('too late'))).rejects.toThrow('a')
        expect(a.mail).toEqual([])
      }))
  })
}
