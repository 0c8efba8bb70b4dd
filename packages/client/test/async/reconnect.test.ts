import * as fc from 'fast-check'
import { rejection } from '@tidings/testkit/rejection'
import { Backoff } from '../../src/async/reconnect.ts'

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const retryMs = fc.option(fc.oneof(fc.nat(), fc.constantFrom(0, 1, 1_000, 2 ** 31, 1e15)), { nil: undefined })
const hints = fc.record({
  livedMs: fc.nat(20_000),
  retryMs,
  retryAfterMs: fc.option(fc.nat(10_000_000), { nil: undefined }),
})

test('a delay is never shorter than the server asks for, nor longer than it makes sense', () => {
  fc.assert(
    fc.property(fc.array(hints), random, (all, chance) => {
      const backoff = new Backoff(() => chance)
      for (const hint of all) {
        const delay = backoff.next(hint)
        const asked = Math.max(hint.retryMs ?? 1_000, hint.retryAfterMs ?? 0)
        expect(delay).toBeGreaterThanOrEqual(Math.min(asked, 3_600_000))
        expect(delay).toBeGreaterThanOrEqual(100)
        expect(delay).toBeLessThanOrEqual(Math.max(30_000, Math.min(asked, 3_600_000)) * 1.5)
      }
    }),
  )
})

test('attempts that lead to nothing are doubled in delay, up to 30 seconds', () => {
  const backoff = new Backoff(() => 0)
  const delays = Array.from({ length: 8 }, () => backoff.next({ livedMs: 0 }))
  expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
})

test('retry is where doubling begins', () => {
  const backoff = new Backoff(() => 0)
  const delays = Array.from({ length: 3 }, () => backoff.next({ livedMs: 0, retryMs: 300 }))
  expect(delays).toEqual([300, 600, 1_200])
})

test('chance adds up to a half, so that clients come back at different times', () => {
  expect(new Backoff(() => 0.999999).next({ livedMs: 0 })).toBe(1_499)
  const delays = new Set(Array.from({ length: 50 }, () => new Backoff().next({ livedMs: 0 })))
  expect(delays.size).toBeGreaterThan(10)
})

test('a connection that lived makes the next delay a short one', () => {
  const backoff = new Backoff(() => 0)
  for (let i = 0; i < 6; i++) backoff.next({ livedMs: 0 })
  expect(backoff.next({ livedMs: 5_000 })).toBe(1_000)
  expect(backoff.next({ livedMs: 0 })).toBe(2_000)
})

test('a server that accepts and hangs up is not stormed, whatever it asks for', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(4_999), { minLength: 100, maxLength: 100 }), random, (lives, chance) => {
      const backoff = new Backoff(() => chance)
      let now = 0
      const attempts: number[] = []
      for (const livedMs of lives) {
        now += livedMs + backoff.next({ livedMs, retryMs: 0 })
        attempts.push(now)
      }
      expect(attempts.filter((at) => at < 60_000).length).toBeLessThanOrEqual(11)
    }),
  )
})

test('a pause ends early when it is aborted, with the reason', async () => {
  const abort = new AbortController()
  const pause = rejection(new Backoff().pause({ livedMs: 0, retryMs: 60_000 }, abort.signal))
  const reason = new Error('closing')
  abort.abort(reason)
  expect(await pause).toBe(reason)
})
