import { EventSplitter } from '../src/load/event-splitter.ts'
import { ResponseReader } from '../src/load/response-reader.ts'

interface Response {
  status: number
  body: string
  ended: boolean
}

/** What is read of the bytes when they arrive in two parts, the first of that length. */
function read(wire: string, length: number, isClosed: boolean): Response[] {
  const responses: Response[] = []
  const reader = new ResponseReader()
  const expectNext = () => {
    const response = { status: 0, body: '', ended: false }
    reader.receiver = {
      head: (status) => {
        response.status = status
        responses.push(response)
      },
      data: (bytes, start, end) => (response.body += bytes.toString('utf8', start, end)),
      end: () => {
        response.ended = true
        expectNext()
      },
    }
  }
  expectNext()
  for (const part of [wire.slice(0, length), wire.slice(length)]) {
    const bytes = Buffer.from(part)
    reader.feed(bytes, bytes.length)
  }
  if (isClosed) expect(reader.close()).toBe(true)
  return responses
}

test.each([
  {
    name: 'bodies with a length, and none',
    wire:
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello' +
      'HTTP/1.1 204 No Content\r\n\r\n' +
      'HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n',
    isClosed: false,
    responses: [
      { status: 200, body: 'hello', ended: true },
      { status: 204, body: '', ended: true },
      { status: 202, body: '', ended: true },
    ],
  },
  {
    name: 'chunks, and what comes after them',
    wire:
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nb;x=y\r\n, chunked 1\r\n0\r\nTrailer: yes\r\n\r\n' +
      'HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone',
    isClosed: false,
    responses: [
      { status: 200, body: 'hello, chunked 1', ended: true },
      { status: 404, body: 'gone', ended: true },
    ],
  },
  {
    name: 'a body that ends with the connection',
    wire: 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\ndata: 2\n\n',
    isClosed: true,
    responses: [{ status: 200, body: 'data: 1\n\ndata: 2\n\n', ended: true }],
  },
])('responses are read wherever they are cut: $name', ({ wire, isClosed, responses }) => {
  for (let length = 0; length <= wire.length; length++)
    expect(read(wire, length, isClosed)).toEqual(responses)
})

test('events are found wherever they are cut', () => {
  const wire = 'event: a\ndata: 1\n\n:\n\ndata: 2\n\n'
  for (let length = 0; length <= wire.length; length++) {
    const events: string[] = []
    const splitter = new EventSplitter((bytes, start, end) => events.push(bytes.toString('utf8', start, end)))
    for (const part of [wire.slice(0, length), wire.slice(length)]) {
      splitter.feed(Buffer.from(part), 0, part.length)
    }
    expect(events).toEqual(['event: a\ndata: 1', ':', 'data: 2'])
  }
})
