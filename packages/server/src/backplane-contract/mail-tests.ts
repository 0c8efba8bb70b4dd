import assert from 'node:assert/strict'
import fc from 'fast-check'
import { RecordingNode } from './recording-node.ts'
import { type OnStore, type TestRunner, until } from './store.ts'

/** The nodes, and mail between them. */
export function mailTests(runner: TestRunner, on: OnStore, numRuns: number): void {
  const test: TestRunner['test'] = (name, body) => runner.test(name, body)

  test('mail arrives once, unchanged, in order from each node to each', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.record({ from: fc.nat(2), to: fc.nat(2) }), { maxLength: 60 }), (mails) =>
        on(async (connect) => {
          const backplanes = await Promise.all([connect(), connect(), connect()])
          const nodes = backplanes.map((_, i) => new RecordingNode(`n${i}`))
          await Promise.all(backplanes.map((backplane, i) => backplane.join(nodes[i]!)))
          const sent = mails.map(({ from, to }, i) => {
            const text = `${i} \u{1F600}\n\r${'x'.repeat(i)}`
            return { from: `n${from}`, to: `n${to}`, text }
          })
          const sending = sent.map(({ from, to, text }, i) =>
            backplanes[mails[i]!.from]!.send(from, to, Buffer.from(text)),
          )
          await Promise.all(sending)
          const arrived = () => nodes.reduce((all, { mail }) => all + mail.length, 0)
          await until(() => arrived() >= sent.length, 'mail is missing')
          for (const from of ['n0', 'n1', 'n2']) {
            for (const { node, mail } of nodes) {
              assert.deepEqual(
                mail.filter((each) => each.from === from).map(({ text }) => text),
                sent.filter((each) => each.from === from && each.to === node).map(({ text }) => text),
              )
            }
          }
        })(),
      ),
      { numRuns },
    ))

  test(
    'mail of any bytes arrives as it is',
    on(async (connect) => {
      const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) % 256))
      const receiver = new RecordingNode('b')
      const received: Buffer[] = []
      receiver.receive = (_, mail) => received.push(Buffer.from(mail))
      await (await connect()).join(receiver)
      const one = await connect()
      await one.join(new RecordingNode('a'))
      await one.send('a', 'b', bytes)
      await until(() => received.length > 0, 'it has not arrived')
      assert.ok(received[0]!.equals(bytes))
    }),
  )

  test(
    'the nodes are known to all while they are there',
    on(async (connect) => {
      const [one, two] = [await connect(), await connect()]
      await one.join(new RecordingNode('a'))
      await two.join(new RecordingNode('b'))
      const known = (names: string[]) => () =>
        [one, two].every((each) => [...each.nodes()].sort().join() === names.join())
      await until(known(['a', 'b']), 'one does not know the other')
      await until(
        () => [one, two].every(({ health }) => health.status === 'connected' && health.nodes === 2),
        'one is not well, or counts other nodes',
      )
      assert.deepEqual([one.certain('a'), two.certain('b')], [undefined, undefined])
      await two.leave('b')
      await until(known(['a']), 'one knows a node that has left')
    }),
  )

  test(
    'when a node leaves, the others are told after its mail; mail to it is refused, or it is gone',
    on(async (connect) => {
      const [one, two] = [await connect(), await connect()]
      const [a, b] = [new RecordingNode('a'), new RecordingNode('b')]
      await Promise.all([one.join(a), two.join(b)])
      let mailWhenGone = 0
      b.gone = (node) => {
        b.lost.push(node)
        mailWhenGone = b.mail.length
      }
      const sending = Array.from({ length: 10 }, (_, i) => one.send('a', 'b', Buffer.from(String(i))))
      await one.leave('a')
      await Promise.all(sending)
      await until(() => b.lost.length > 0, 'b was not told')
      assert.deepEqual([b.lost, b.mail.length, mailWhenGone], [['a'], 10, 10])
      await assert.rejects(two.send('b', 'a', Buffer.from('too late')), /\ba\b/)
      assert.deepEqual(a.mail, [])
    }),
  )
}
