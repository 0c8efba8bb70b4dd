import { silent } from '../../src/logger.ts'
import { EventStream } from '../../src/transports/event-stream.ts'
import { FetchResponse } from '../../src/http/fetch-http.ts'

const { jest } = import.meta

beforeEach(() => void jest.useFakeTimers())
afterEach(() => void jest.useRealTimers())

/** A stream that is written by hand. */
async function opened({ mayBeQuiet = false } = {}) {
  let controller!: ReadableStreamDefaultController<Uint8Array>
  const body = new ReadableStream<Uint8Array>({ start: (given) => void (controller = given) })
  const lost: Error[] = []
  const stream = new EventStream({
    maxMessageLength: 1_000,
    logger: silent,
    mayBeQuiet,
    listener: { message: () => {} },
    onLost: (error) => lost.push(error),
  })
  const { signal } = new AbortController()
  await stream.open(() => Promise.resolve(new FetchResponse(new Response(body))), { resume: false, signal })
  const send = async (text: string) => {
    controller.enqueue(new TextEncoder().encode(text))
    await jest.advanceTimersByTimeAsync(15_000)
  }
  return { stream, lost, send }
}

test('a stream that was kept alive, and then is silent, is lost', async () => {
  const { lost, send } = await opened()
  for (let i = 0; i < 20; i++) await send(':\n\n')
  expect(lost).toEqual([])
  await jest.advanceTimersByTimeAsync(44_000)
  expect(lost).toEqual([])
  await jest.advanceTimersByTimeAsync(2_000)
  expect(lost.map(({ message }) => message)).toEqual(['The event stream fell silent'])
  expect(jest.getTimerCount()).toBe(0)
})

test('a stream that was never kept alive may be quiet or dead: it is lost after five minutes', async () => {
  const { lost, send } = await opened()
  await send(':ok\n\n')
  await send('data: {}\n\n')
  await jest.advanceTimersByTimeAsync(284_000)
  expect(lost).toEqual([])
  await jest.advanceTimersByTimeAsync(2_000)
  expect(lost.map(({ message }) => message)).toEqual(['The event stream fell silent'])
  expect(jest.getTimerCount()).toBe(0)
})

test('a stream that could not be opened again may be silent for as long as it likes', async () => {
  const { stream, lost, send } = await opened({ mayBeQuiet: true })
  await send('data: {}\n\n')
  await jest.advanceTimersByTimeAsync(3_600_000)
  expect(lost).toEqual([])
  expect(stream.isOpen).toBe(true)
})

test('a stream that was ended is not lost, and leaves nothing', async () => {
  const { stream, lost, send } = await opened()
  for (let i = 0; i < 5; i++) await send(':\n\n')
  stream.end()
  await jest.advanceTimersByTimeAsync(100_000)
  expect(lost).toEqual([])
  expect(jest.getTimerCount()).toBe(0)
})
