import { connectRaw, type RawClient } from '../harness/raw-client.ts'
import { call, sent, startWith } from '../harness/talk.ts'

const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const

async function heard(client: RawClient): Promise<any[]> {
  await call(client)
  return sent(client, 'notifications/message').map(({ params }) => params)
}

test('a client hears the level it set, and graver ones', async () => {
  const { url } = await startWith(({ log }) => levels.forEach((level) => log(level, level)))
  for (const [i, level] of levels.entries()) {
    const client = await connectRaw(url)
    expect((await client.request('logging/setLevel', { level })).result).toEqual({})
    expect((await heard(client)).map((params) => params.level)).toEqual(levels.slice(i))
  }
})

test('a client that set no level hears info, and graver ones', async () => {
  const { url } = await startWith(({ log }) => levels.forEach((level) => log(level, level)))
  expect((await heard(await connectRaw(url))).map((params) => params.level)).toEqual(levels.slice(1))
})

test('a message holds any JSON value, and who says it', async () => {
  const { url } = await startWith(({ log }) => {
    log('info', { a: [1, null] })
    log('info', 'text', 'valves')
    log('info', null, '')
  })
  expect(await heard(await connectRaw(url))).toEqual([
    { level: 'info', data: { a: [1, null] } },
    { level: 'info', logger: 'valves', data: 'text' },
    { level: 'info', logger: '', data: null },
  ])
})

test('the level of one client is not that of another, and a message is for who called', async () => {
  const { url } = await startWith(({ log }) => log('debug', 'x'))
  const [one, two] = [await connectRaw(url), await connectRaw(url)]
  await one.request('logging/setLevel', { level: 'debug' })
  expect(await heard(one)).toHaveLength(1)
  expect(await heard(two)).toEqual([])
  expect(await heard(one)).toHaveLength(2)
})

test('a level that does not exist is refused', async () => {
  const { url } = await startWith(() => {})
  const client = await connectRaw(url)
  for (const level of ['loud', 'WARNING', '', null, 3])
    expect((await client.request('logging/setLevel', { level })).error.code).toBe(-32602)
})
