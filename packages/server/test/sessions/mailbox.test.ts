import fc from 'fast-check'
import { Mailbox, type MailboxLimits, type MailboxOwner } from '../../src/sessions/mailbox.ts'

/** Counts what its mailbox holds. */
class Owner implements MailboxOwner {
  readonly mailboxLimits: MailboxLimits
  bytes = 0
  kept = 0

  constructor(limits: Partial<MailboxLimits> = {}) {
    this.mailboxLimits = { maxMessages: 5, keepMs: 1000, ...limits }
  }

  holds(bytes: number, kept: number): void {
    this.bytes += bytes
    this.kept += kept
  }
}

const data = (text: string) => text

function takeAll(mailbox: Mailbox, position = 0, now = 0): string[] {
  const taken: string[] = []
  for (let mail = mailbox.take(position, now); mail; mail = mailbox.take(position, now))
    taken.push(mail.data.toString())
  return taken
}

test('messages are taken in order, once', () => {
  const mailbox = new Mailbox(new Owner())
  mailbox.post(data('1'))
  mailbox.post(data('2'))
  expect(takeAll(mailbox)).toEqual(['1', '2'])
  expect(takeAll(mailbox)).toEqual([])
  mailbox.post(data('3'))
  expect(takeAll(mailbox)).toEqual(['3'])
})

test('it says when more waits than may, by count', () => {
  const mailbox = new Mailbox(new Owner())
  for (let i = 0; i < 5; i++) mailbox.post(data('x'))
  expect(mailbox.overfull).toBe(false)
  mailbox.post(data('x'))
  expect(mailbox.overfull).toBe(true)
  takeAll(mailbox)
  expect(mailbox.overfull).toBe(false)
})

test('waiting messages of one key are merged, written ones are not', () => {
  const mailbox = new Mailbox(new Owner())
  mailbox.post(data('p1'), 'p')
  expect(takeAll(mailbox)).toEqual(['p1'])
  mailbox.post(data('p2'), 'p')
  mailbox.post(data('other'))
  mailbox.post(data('p3'), 'p')
  expect(takeAll(mailbox)).toEqual(['p3', 'other'])
})

test('a message known to have arrived stands for all before it', () => {
  const mailbox = new Mailbox(new Owner())
  for (const text of ['1', '2', '3']) mailbox.post(data(text))
  takeAll(mailbox)
  expect(mailbox.rewind(0, 1)).toBe(true)
  expect(takeAll(mailbox)).toEqual(['2', '3'])
})

test('a change known to have arrived stands for all that was written before it', () => {
  const mailbox = new Mailbox(new Owner())
  mailbox.post(data('before'))
  takeAll(mailbox, 7)
  mailbox.post(data('after'))
  takeAll(mailbox, 8)
  expect(mailbox.rewind(8, undefined)).toBe(true)
  expect(takeAll(mailbox, 8)).toEqual(['after'])
})

test('a message that was let go of, or never written, cannot be gone back to', () => {
  const mailbox = new Mailbox(new Owner())
  for (const text of ['1', '2', '3']) mailbox.post(data(text))
  mailbox.take(0, 0)
  mailbox.take(0, 500)
  mailbox.trim(1000)
  expect(mailbox.size).toBe(2)
  expect(mailbox.rewind(0, 0)).toBe(false)
  expect(mailbox.rewind(0, undefined)).toBe(false)
  expect(mailbox.rewind(0, 3)).toBe(false)
  expect(mailbox.rewind(0, 1)).toBe(true)
  expect(takeAll(mailbox)).toEqual(['2', '3'])
})

test('written messages are let go of past the limits, waiting ones never', () => {
  const mailbox = new Mailbox(new Owner({ keepMs: Infinity }))
  for (let i = 0; i < 50; i++) {
    mailbox.post(data(String(i)))
    mailbox.take(0, 0)
    mailbox.trim(0)
  }
  expect(mailbox.size).toBe(5)
  for (let i = 0; i < 5; i++) mailbox.post(data('w'))
  mailbox.trim(0)
  expect(mailbox.waiting).toBe(5)
})

test('through any drops, a reader that can resume gets every message once, in order', () => {
  // Each run of the connection: how many messages are posted, how many changes are told among them, and how many of the
  // events it wrote are lost with it.
  const run = fc.record({
    events: fc.array(fc.constantFrom('mail', 'change'), { maxLength: 8 }),
    lost: fc.nat(8),
  })
  fc.assert(
    fc.property(fc.array(run, { maxLength: 8 }), (runs) => {
      const mailbox = new Mailbox(new Owner({ maxMessages: 1000, keepMs: Infinity }))
      let posted = 0
      let position = 0
      let seen: { position: number; mail?: number; text?: string }[] = []
      const flush = () => {
        for (let mail = mailbox.take(position, 0); mail; mail = mailbox.take(position, 0)) {
          seen.push({ position: mail.position, mail: mail.number, text: mail.data.toString() })
        }
      }
      for (const { events, lost } of runs) {
        for (const event of events) {
          if (event === 'mail') mailbox.post(data(String(++posted)))
          else seen.push({ position: ++position })
          flush()
        }
        seen = seen.slice(0, Math.max(0, seen.length - lost))
        const last = seen.at(-1) ?? { position: 0, mail: 0 }
        expect(mailbox.rewind(last.position, last.mail)).toBe(true)
        position = last.position
        flush()
      }
      const texts = seen.flatMap(({ text }) => text ?? [])
      expect(texts).toEqual(Array.from({ length: posted }, (_, i) => String(i + 1)))
    }),
    { numRuns: 500 },
  )
})

test('its owner knows the bytes after each step, and none are left at the end', () => {
  const step = fc.oneof(
    fc.record({
      do: fc.constant('post' as const),
      text: fc.string({ unit: 'grapheme' }),
      key: fc.option(fc.nat(2)),
    }),
    fc.record({ do: fc.constant('take' as const) }),
    fc.record({ do: fc.constant('rewind' as const), number: fc.nat(30) }),
    fc.record({ do: fc.constant('letGo' as const), time: fc.nat(30) }),
    fc.record({ do: fc.constant('trim' as const) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const owner = new Owner({ keepMs: 10 })
      const mailbox = new Mailbox(owner)
      let now = 0
      let sum = 0
      for (const step of steps) {
        now++
        if (step.do === 'post') mailbox.post(step.text, step.key === null ? undefined : `key ${step.key}`)
        if (step.do === 'take') mailbox.take(0, now)
        if (step.do === 'rewind') mailbox.rewind(0, step.number)
        if (step.do === 'letGo') sum -= mailbox.letGo(step.time)
        if (step.do === 'trim') mailbox.trim(now)
        expect(owner.kept).toBeGreaterThanOrEqual(0)
        expect(owner.bytes).toBeGreaterThanOrEqual(owner.kept)
        expect(owner.kept === 0).toBe(mailbox.keptSince === Infinity)
        expect(owner.bytes === 0).toBe(mailbox.size === 0)
        expect(owner.bytes === owner.kept).toBe(mailbox.waiting === 0)
      }
      expect(sum).toBeLessThanOrEqual(0)
      mailbox.clear()
      expect([owner.bytes, owner.kept, mailbox.size, mailbox.waiting]).toEqual([0, 0, 0, 0])
    }),
  )
})

test('where the order began anew, a position of the one before still says what has arrived', () => {
  const mailbox = new Mailbox(new Owner())
  for (const [text, position] of [
    ['before change 2', 1],
    ['after change 2', 2],
  ] as const) {
    mailbox.post(data(text))
    takeAll(mailbox, position)
  }
  mailbox.post(data('waits'))
  mailbox.positionsLost()
  takeAll(mailbox, 1)
  expect(mailbox.rewindFormer(2, undefined)).toBe(true)
  expect(takeAll(mailbox, 1)).toEqual(['after change 2', 'waits'])
  expect(mailbox.rewindFormer(3, undefined)).toBe(true)
  // Those that were written again since were written after all that is of the order before.
  expect(takeAll(mailbox, 1)).toEqual(['after change 2', 'waits'])
})

test('where a message that the reader lacks is gone, a position of the order before does not do', () => {
  const mailbox = new Mailbox(new Owner())
  mailbox.post(data('after change 2'))
  takeAll(mailbox, 2)
  mailbox.positionsLost()
  mailbox.post(data('since'))
  takeAll(mailbox, 0, 1)
  expect(mailbox.letGo(0)).toBeGreaterThan(0)
  expect(mailbox.rewindFormer(2, undefined)).toBe(false)
  expect(mailbox.rewindFormer(3, undefined)).toBe(true)
  expect(mailbox.letGo(1)).toBe(0)
  takeAll(mailbox, 0, 1)
  mailbox.letGo(1)
  expect(mailbox.rewindFormer(3, undefined)).toBe(false)
})
