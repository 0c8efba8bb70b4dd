import { Heartbeat } from '../../src/connection/heartbeat.ts'

const { jest } = import.meta

/** A heartbeat on a clock of its own. */
function heartbeat() {
  const heard = { at: Date.now(), pings: 0, answers: true, silent: [] as Error[] }
  const transport = {
    get heardAt() {
      return heard.at
    },
    drop: (error: Error) => void heard.silent.push(error),
  }
  const beat = new Heartbeat(transport, async () => {
    heard.pings++
    if (heard.answers) heard.at = Date.now()
    else throw new Error('no answer')
  })
  return { heard, beat }
}

beforeEach(() => void jest.useFakeTimers())
afterEach(() => void jest.useRealTimers())

test('a server that is heard from is left alone', async () => {
  const { heard, beat } = heartbeat()
  beat.start()
  for (let i = 0; i < 20; i++) {
    await jest.advanceTimersByTimeAsync(15_000)
    heard.at = Date.now()
  }
  expect(heard).toMatchObject({ pings: 0, silent: [] })
  beat.stop()
})

test('a quiet server is asked, and its answer is enough', async () => {
  const { heard, beat } = heartbeat()
  beat.start()
  await jest.advanceTimersByTimeAsync(300_000)
  expect(heard.pings).toBeGreaterThanOrEqual(8)
  expect(heard.pings).toBeLessThanOrEqual(10)
  expect(heard.silent).toEqual([])
  beat.stop()
})

test('a server that stays silent though asked is lost', async () => {
  const { heard, beat } = heartbeat()
  heard.answers = false
  beat.start()
  await jest.advanceTimersByTimeAsync(55_000)
  expect(heard.silent).toEqual([])
  await jest.advanceTimersByTimeAsync(60_000)
  expect(heard.pings).toBeGreaterThan(0)
  expect(heard.silent.map(({ message }) => message)).toEqual(['Nothing was heard from the server for 60 s'])
})

test('after a sleep the server is lost at once', async () => {
  const { heard, beat } = heartbeat()
  beat.start()
  jest.setSystemTime(Date.now() + 3_600_000)
  await jest.advanceTimersByTimeAsync(5_000)
  expect(heard).toMatchObject({ pings: 0, silent: [expect.any(Error)] })
})

test('stopped, it does nothing', async () => {
  const { heard, beat } = heartbeat()
  beat.start()
  beat.start()
  beat.stop()
  await jest.advanceTimersByTimeAsync(600_000)
  expect(heard).toMatchObject({ pings: 0, silent: [] })
  expect(jest.getTimerCount()).toBe(0)
})
