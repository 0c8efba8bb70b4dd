import * as fc from 'fast-check'
import { Inbox } from '@tidings/testkit/inbox'
import { rejection } from '@tidings/testkit/rejection'
import { ProtocolError } from '../../src/errors.ts'
import { readEvents, type ReadEventsOptions } from '../../src/transports/read-events.ts'
import { FetchResponse } from '../../src/http/fetch-http.ts'
import { shortPieces } from '../harness/short-pieces.ts'

interface Event {
  event?: string | undefined
  id?: string | undefined
  data: string
}

const responseOf = (body: ReadableStream<Uint8Array>) => new FetchResponse(new Response(body))

/** A response with a body of these pieces, and whether it was cancelled. */
function bodyOf(pieces: Iterable<Uint8Array>) {
  const iterator = pieces[Symbol.iterator]()
  const seen = { cancelled: false, pulled: 0 }
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const { done, value } = iterator.next()
      if (done) return controller.close()
      seen.pulled++
      controller.enqueue(value)
    },
    cancel() {
      seen.cancelled = true
    },
  })
  return { response: responseOf(body), seen }
}

async function read(
  pieces: Iterable<Uint8Array>,
  options: Partial<ReadEventsOptions> = {},
): Promise<Event[]> {
  const events: Event[] = []
  const onEvent = (event: Event) => events.push(event)
  await readEvents(bodyOf(pieces).response, { maxMessageLength: 1e6, onEvent, ...options })
  return events
}

/** The events, and the ids before their events. */
async function readAll(pieces: Iterable<Uint8Array>): Promise<object[]> {
  const all: object[] = []
  const onEvent = (event: Event) => all.push(event)
  const onId = (id: string) => all.push({ id })
  await readEvents(bodyOf(pieces).response, { maxMessageLength: 1e6, onEvent, onId })
  return all
}

const bytes = (text: string) => new TextEncoder().encode(text)

const line = fc.string({ unit: 'binary' }).map((text) => text.replace(/[\r\n\0\ud800-\udfff\ufffd]/g, ''))
const event = fc.record({
  event: fc.option(
    line.filter((text) => text !== ''),
    { nil: undefined },
  ),
  id: fc.option(line, { nil: undefined }),
  data: fc.option(
    fc.array(line, { minLength: 1, maxLength: 3 }).map((lines) => lines.join('\n')),
    { nil: undefined },
  ),
})

function write(
  { event, id, data }: Omit<Event, 'data'> & { data: string | undefined },
  lineEnd: string,
  junk: string,
): string {
  const lines = [junk]
  if (event !== undefined) lines.push(`event: ${event}`)
  if (id !== undefined) lines.push(`id: ${id}`)
  for (const part of data?.split('\n') ?? []) lines.push(`data: ${part}`)
  return lines.map((text) => text + lineEnd).join('') + lineEnd
}

function cut(all: Uint8Array, at: number[]): Uint8Array[] {
  const ends = [...new Set(at.map((n) => n % (all.length + 1)))].sort((a, b) => a - b)
  return [...ends, all.length].map((end, i) => all.subarray(i === 0 ? 0 : ends[i - 1], end))
}

test('events and ids read the same however their bytes are cut, whatever ends their lines', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(event, fc.constantFrom(': hello', ':', 'foo: bar', 'retry: 10', 'x')), {
        maxLength: 5,
      }),
      fc.constantFrom('\n', '\r', '\r\n'),
      fc.boolean(),
      fc.array(fc.nat(), { maxLength: 12 }),
      async (events, lineEnd, bom, at) => {
        const text = (bom ? '\ufeff' : '') + events.map(([e, junk]) => write(e, lineEnd, junk)).join('')
        // Without data there is no event, but an id is told.
        const expected = events.flatMap(([{ event, id, data }]) => [
          ...(id === undefined ? [] : [{ id }]),
          ...(data === undefined ? [] : [{ event, id, data }]),
        ])
        expect(await readAll(cut(bytes(text), at))).toEqual(expected)
        expect(await readAll([...bytes(text)].map((byte) => Uint8Array.of(byte)))).toEqual(expected)
      },
    ),
  )
})

test('an event is given when its last line ends, not when the next one begins', async () => {
  for (const end of ['\n\n', '\r\r', '\r\n\r\n']) {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const events = new Inbox<Event>()
    const reading = readEvents(responseOf(readable), {
      maxMessageLength: 100,
      onEvent: (event) => events.push(event),
    })
    const writer = writable.getWriter()
    void writer.write(bytes(`data: now${end}`))
    expect(await events.next()).toMatchObject({ data: 'now' })
    await writer.close()
    await reading
  }
})

test('what is cut off by the end of the body is not an event', async () => {
  expect(await read([bytes('data: whole\n\ndata: half\n')])).toEqual([{ data: 'whole' }])
})

test('retry fields and arrivals are told, the event being complete or not', async () => {
  const retries: number[] = []
  let arrivals = 0
  const options = { onRetry: (ms: number) => retries.push(ms), onBytes: () => arrivals++ }
  expect(await read([bytes('retry: 250\n'), bytes(':\n'), bytes('retry: soon\n\n')], options)).toEqual([])
  expect(retries).toEqual([250])
  expect(arrivals).toBe(3)
})

test('nothing is held beyond the bound, however it comes, and what came before is given', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('data: ', ':', 'id: ', 'event: ', 'unknown'),
      fc.integer({ min: 1, max: 5_000 }),
      fc.boolean(),
      async (start, size, manyLines) => {
        const maxMessageLength = 10_000
        const piece = bytes((manyLines ? `\ndata: ` : '') + 'x'.repeat(size))
        function* endless() {
          yield bytes(`data: first\n\n${start}`)
          for (;;) yield piece
        }
        const { response, seen } = bodyOf(endless())
        const events: string[] = []
        const onEvent = ({ data }: Event) => events.push(data)
        const error = await rejection(readEvents(response, { maxMessageLength, onEvent }))
        expect(events[0]).toBe('first')
        expect(error).toBeInstanceOf(ProtocolError)
        expect(error.message).toMatch('more than 10000 characters')
        expect(seen.cancelled).toBe(true)
        expect((seen.pulled - 2) * size).toBeLessThan(maxMessageLength + 2 * size + 100)
      },
    ),
    { numRuns: 50 },
  )
})

test('an endless line without a field name is refused, and lines that end are not', async () => {
  const piece = bytes('x'.repeat(60))
  for (const end of ['\n', '\r', '\r\n']) {
    const short = Array.from({ length: 10 }, () => [piece, bytes(end)]).flat()
    expect(await read([...short, bytes(`data: 1${end}${end}`)], { maxMessageLength: 100 })).toEqual([
      { data: '1' },
    ])
    const error = await rejection(read([...short, piece, piece, bytes(end)], { maxMessageLength: 100 }))
    expect(error).toBeInstanceOf(ProtocolError)
  }
})

test.each(['\n', '\r', '\r\n'])(
  'an event of too many lines is refused, and any number of comments is not (lines that end with %j)',
  async (end) => {
    const maxMessageLength = 1e7
    const times = (text: string) => Array<Uint8Array>(11).fill(bytes(text.repeat(100_000)))
    const comments = [...times(`:${end}`), bytes(`: x${end}${end}`.repeat(1_000))]
    expect(await read([...comments, bytes(`data: 1${end}${end}`)], { maxMessageLength })).toEqual([
      { data: '1' },
    ])
    const error = await rejection(read(times(`data:x${end}`), { maxMessageLength }))
    expect(error).toBeInstanceOf(ProtocolError)
    expect(error.message).toMatch('more than 1000000 lines')
  },
)

test('a line of many short pieces is held in little more memory than its characters', async () => {
  const { response, gained } = shortPieces(20_000, { start: 'data: ', end: '\n\n' })
  const events: Event[] = []
  await readEvents(response, { maxMessageLength: 1e6, onEvent: (event) => events.push(event) })
  expect(events[0]!.data).toHaveLength(40_000)
  expect(gained.bytes).toBeLessThan(500_000)
})

test('an event that is too large is refused even when it comes in one piece, after the ones before it', async () => {
  const { response } = bodyOf([bytes(`data: small\n\ndata: ${'x'.repeat(101)}\n\ndata: later\n\n`)])
  const events: string[] = []
  const onEvent = ({ data }: Event) => events.push(data)
  expect(await rejection(readEvents(response, { maxMessageLength: 100, onEvent }))).toBeInstanceOf(
    ProtocolError,
  )
  expect(events).toEqual(['small'])
})

test('its signal ends it, and cancels the body', async () => {
  const { response, seen } = bodyOf([bytes('data: 1\n\n'), bytes('data: 2\n\n')])
  const abort = new AbortController()
  const events: string[] = []
  const onEvent = ({ data }: Event) => {
    events.push(data)
    abort.abort(new Error('enough'))
  }
  await readEvents(response, { maxMessageLength: 100, onEvent, signal: abort.signal })
  expect(events).toEqual(['1'])
  expect(seen.cancelled).toBe(true)
})

test('the error of a body that fails is passed on', async () => {
  const failure = new Error('the network')
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.error(failure)
    },
  })
  const reading = readEvents(responseOf(body), { maxMessageLength: 100, onEvent: () => {} })
  expect(await rejection(reading)).toBe(failure)
})
