import { decodeRecord, encodeRecord, type SessionRecord } from '../../src/sessions/session-record.ts'

const record = (data: string): SessionRecord => ({
  version: 1,
  key: 'key',
  transport: 'http+sse',
  revision: '2024-11-05',
  logLevel: 'info',
  channel: {
    epoch: 'epoch',
    mail: { messages: [[1, data, 0]], written: 1, lastNumber: 1, lastWritten: 1, letGo: [0, -1] },
    watches: [['test://a', 3]],
  },
  requests: [],
  lastStream: 0,
  streams: [],
})

test('a record comes back as it was', () => {
  expect(decodeRecord(encodeRecord(record('{}')))).toEqual(record('{}'))
})

test('a record of more than 4 MiB is stored without its messages', () => {
  const stored = decodeRecord(encodeRecord(record('x'.repeat(4 * 1024 * 1024))))!
  expect(stored.channel.mail).toEqual({
    messages: [],
    written: 0,
    lastNumber: 1,
    lastWritten: 1,
    letGo: [0, -1],
  })
  expect(stored.channel.watches).toEqual([['test://a', 3]])
})
