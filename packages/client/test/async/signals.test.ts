import { getEventListeners } from 'node:events'
import { rejection } from '@tidings/testkit/rejection'
import { abortable, after, LinkedController, onAbort, wait } from '../../src/async/signals.ts'

const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

test('a signal gets one listener, however many listen, and none when all have stopped', () => {
  const { signal } = new AbortController()
  const offs = Array.from({ length: 100 }, () => onAbort(signal, () => {}))
  expect(listeners(signal)).toBe(1)
  for (const off of offs) off()
  expect(listeners(signal)).toBe(0)
  const off = onAbort(signal, () => {})
  expect(listeners(signal)).toBe(1)
  off()
  off()
  expect(listeners(signal)).toBe(0)
})

test('who listens is told the reason once, who has stopped is not, and who comes late is told at once', () => {
  const abort = new AbortController()
  const told: string[] = []
  const tell = (who: string) => (reason: Error) => told.push(`${who}: ${reason.message}`)
  onAbort(abort.signal, tell('a'))
  onAbort(abort.signal, tell('b'))()
  const same = tell('twice')
  onAbort(abort.signal, same)
  onAbort(abort.signal, same)()
  abort.abort(new Error('over'))
  abort.abort(new Error('again'))
  onAbort(abort.signal, tell('late'))()
  expect(told).toEqual(['a: over', 'twice: over', 'late: over'])
  expect(listeners(abort.signal)).toBe(0)
})

test('a promise goes on without its signal, and the signal without its promise', async () => {
  const abort = new AbortController()
  expect(await abortable(Promise.resolve(1), abort.signal)).toBe(1)
  const failure = new Error('failed')
  expect(await rejection(abortable(Promise.reject(failure), abort.signal))).toBe(failure)
  expect(listeners(abort.signal)).toBe(0)
  const waiting = rejection(abortable(new Promise(() => {}), abort.signal))
  abort.abort('no more')
  expect(await waiting).toBe('no more')
  expect(await rejection(abortable(Promise.resolve(1), abort.signal))).toBe('no more')
})

test('waiting ends when its time is over, or with its signal', async () => {
  const abort = new AbortController()
  await wait(1, abort.signal)
  const waiting = rejection(wait(Infinity, abort.signal))
  abort.abort('enough')
  expect(await waiting).toBe('enough')
})

test('a time that is too long for a timer does not run at once', async () => {
  let ran = false
  const stop = after(2 ** 40, () => (ran = true))
  await new Promise((resolve) => setTimeout(resolve, 5))
  stop()
  expect(ran).toBe(false)
})

test('a linked controller is aborted with any of its signals, until it is released', () => {
  const [one, two] = [new AbortController(), new AbortController()]
  const linked = new LinkedController(one.signal, undefined, two.signal)
  const released = new LinkedController(one.signal, two.signal)
  released.release()
  two.abort('two')
  one.abort('one')
  expect(linked.signal.reason).toBe('two')
  expect(released.signal.aborted).toBe(false)
  expect(new LinkedController(two.signal).signal.reason).toBe('two')
})
