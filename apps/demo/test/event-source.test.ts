import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from '@tidings/client'
import { TcpProxy } from '@tidings/testkit/tcp-proxy'
import type { Browser } from 'playwright-core'
import { launchBrowser } from './browser.ts'
import { heardListChange, heardUpdate } from './heard.ts'
import { runDemo, type Demo } from './run-demo.ts'

interface Message {
  id?: number
  method?: string
  params?: { uri?: string }
  result?: unknown
}

declare global {
  interface Window {
    endpoints: string[]
    messages: Message[]
    errors: number
  }
}

let demo: Demo
let browser: Browser
let proxy: TcpProxy

beforeAll(async () => {
  ;[demo, browser] = await Promise.all([runDemo(), launchBrowser()])
  proxy = await TcpProxy.to(Number(new URL(demo.url).port))
})

afterAll(async () => {
  await browser?.close()
  await proxy?.close()
  await demo?.[Symbol.asyncDispose]()
})

test("a browser's own EventSource is cut in the middle and resumes without loss", async () => {
  const watcher = await connect(`${demo.url}/sse`)
  const listed = heardListChange(watcher)
  await writeFile(join(demo.notes, 'cut.md'), 'before')
  await listed

  // A page of the same origin with nothing of ours on it.
  const page = await browser.newPage()
  await page.goto(`${proxy.url}/health`)
  await page.evaluate(() => {
    Object.assign(window, { endpoints: [], messages: [], errors: 0 })
    const source = new EventSource('/sse')
    source.addEventListener('endpoint', (event) => window.endpoints.push(String(event.data)))
    source.addEventListener('message', (event) =>
      window.messages.push(JSON.parse(String(event.data)) as Message),
    )
    source.addEventListener('error', () => (window.errors += 1))
  })
  await page.waitForFunction(() => window.endpoints.length === 1)
  const [endpoint = ''] = await page.evaluate(() => window.endpoints)

  const post = async (message: object) => {
    const response = await fetch(new URL(endpoint, demo.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
    })
    expect(response.status).toBe(202)
  }
  const answered = (id: number) =>
    page.waitForFunction((id) => window.messages.some((message) => message.id === id), id)
  const updatesOf = (uri: string) =>
    page.evaluate(
      (uri) =>
        window.messages.filter(
          (message) => message.method === 'notifications/resources/updated' && message.params?.uri === uri,
        ).length,
      uri,
    )

  const clientInfo = { name: 'event-source', version: '1.0.0' }
  await post({
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2024-11-05', capabilities: {}, clientInfo },
  })
  await answered(1)
  await post({ method: 'notifications/initialized' })
  await post({ id: 2, method: 'resources/subscribe', params: { uri: 'note:///cut' } })
  await post({ id: 3, method: 'resources/subscribe', params: { uri: 'demo://counter' } })
  await answered(3)
  expect(await updatesOf('note:///cut')).toBe(0)

  proxy.goDown('reset')
  await page.waitForFunction(() => window.errors > 0)
  // What happens while nothing gets through: two saves, a burst, and two answers.
  await watcher.subscribe('note:///cut')
  for (const text of ['during', 'still during']) {
    const heard = heardUpdate(watcher, 'note:///cut')
    await writeFile(join(demo.notes, 'cut.md'), text)
    await heard
  }
  await post({ id: 4, method: 'tools/call', params: { name: 'burst', arguments: { count: 50 } } })
  await post({ id: 5, method: 'ping' })
  await watcher.ping()
  expect(await page.evaluate(() => window.messages.some((message) => message.id === 4))).toBe(false)
  proxy.heal()

  await page.waitForFunction(() => window.endpoints.length === 2)
  expect(await page.evaluate(() => window.endpoints)).toEqual([endpoint, endpoint])
  await answered(4)
  await answered(5)
  // Each resource that changed is told of once, whatever it went through.
  expect(await updatesOf('note:///cut')).toBe(1)
  expect(await updatesOf('demo://counter')).toBe(1)
  const ids = await page.evaluate(() => window.messages.flatMap((message) => message.id ?? []))
  expect(ids.sort()).toEqual([1, 2, 3, 4, 5])

  const heard = heardUpdate(watcher, 'note:///cut')
  await writeFile(join(demo.notes, 'cut.md'), 'after')
  await heard
  await page.waitForFunction(
    () => window.messages.filter((message) => message.params?.uri === 'note:///cut').length === 2,
  )
  await page.close()
  await watcher.close()
})
