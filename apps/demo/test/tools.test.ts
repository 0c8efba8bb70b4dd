import { connect, type Client } from '@tidings/client'
import { heardUpdate, readText } from './heard.ts'
import { runDemo, type Demo } from './run-demo.ts'

let demo: Demo
let client: Client

beforeAll(async () => {
  demo = await runDemo()
  client = await connect(`${demo.url}/sse`, {
    handlers: {
      elicit: async (params) => {
        expect(params.message).toBe('What may I call you?')
        return { action: 'accept', content: { name: 'Ada' } }
      },
    },
  })
})

afterAll(async () => {
  await client.close()
  await demo[Symbol.asyncDispose]()
})

test('the machine is sampled, and what changed is announced', async () => {
  const cpu = JSON.parse(await readText(client, 'system://cpu')) as { busyPercent: number }
  const memory = JSON.parse(await readText(client, 'system://memory')) as { usedPercent: number }
  for (const percent of [cpu.busyPercent, memory.usedPercent]) {
    expect(percent).toBeGreaterThanOrEqual(0)
    expect(percent).toBeLessThanOrEqual(100)
  }
  expect(JSON.parse(await readText(client, 'system://load'))).toEqual({
    '1 min': expect.any(Number) as number,
    '5 min': expect.any(Number) as number,
    '15 min': expect.any(Number) as number,
  })
  const heard = heardUpdate(client, 'system://cpu')
  await client.subscribe('system://cpu')
  await heard
})

test('the clock is announced each second', async () => {
  await client.subscribe('clock://now')
  await heardUpdate(client, 'clock://now')
  const first = Date.parse(await readText(client, 'clock://now'))
  await heardUpdate(client, 'clock://now')
  const second = Date.parse(await readText(client, 'clock://now'))
  expect(second).toBeGreaterThan(first)
})

test('a burst of 100,000 changes ends with the last one told, and the server answers meanwhile', async () => {
  await client.subscribe('demo://counter')
  let announced = 0
  const off = client.on('notifications/resources/updated', ({ uri }) => {
    if (uri === 'demo://counter') announced += 1
  })
  const before = Number(await readText(client, 'demo://counter'))
  const burst = client.callTool('burst', { count: 100_000 })
  await client.ping()
  const { structuredContent } = await burst
  expect(structuredContent).toMatchObject({ changes: 100_000, counter: before + 100_000 })
  expect(Number(await readText(client, 'demo://counter'))).toBe(before + 100_000)
  expect(announced).toBeGreaterThan(0)
  expect(announced).toBeLessThanOrEqual(100_000)
  off()
})

test('a burst keeps the interval that is asked for', async () => {
  const { structuredContent } = await client.callTool('burst', { count: 5, intervalMs: 20 })
  expect((structuredContent as { elapsedMs: number }).elapsedMs).toBeGreaterThanOrEqual(75)
})

test('a countdown reports progress and comes to its end', async () => {
  const left: (string | undefined)[] = []
  const { content } = await client.callTool(
    'countdown',
    { seconds: 2 },
    { onProgress: ({ message }) => left.push(message) },
  )
  expect(content).toEqual([{ type: 'text', text: 'Counted down from 2.' }])
  expect(left).toEqual(['2 s left', '1 s left', 'Lift-off'])
})

test('a countdown is cancelled', async () => {
  const cancelling = new AbortController()
  const counting = client.callTool(
    'countdown',
    { seconds: 600 },
    { signal: cancelling.signal, onProgress: () => cancelling.abort(new Error('changed my mind')) },
  )
  await expect(counting).rejects.toThrow('changed my mind')
})

test('ask_name asks, and greets', async () => {
  const { content } = await client.callTool('ask_name')
  expect(content).toEqual([{ type: 'text', text: 'Hello, Ada!' }])
})
