import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from '@tidings/client'
import type { Browser, Page } from 'playwright-core'
import { launchBrowser } from './browser.ts'
import { readText } from './heard.ts'
import { runDemo, type Demo } from './run-demo.ts'

let demo: Demo
let browser: Browser

beforeAll(async () => {
  demo = await runDemo('cluster.js')
  browser = await launchBrowser()
})

afterAll(async () => {
  await browser?.close()
  await demo?.[Symbol.asyncDispose]()
})

const pidOf = async (page: Page) => /process (\d+)/.exec(await page.locator('#node-name').innerText())?.[1]

/** The value of a resource, waited for until it matches. */
async function value(page: Page, uri: string, hasText: string | RegExp): Promise<string> {
  const shown = page.locator(`[data-uri="${uri}"] .value`, { hasText })
  await shown.waitFor()
  return shown.innerText()
}

const counter = (count: number) => new RegExp(`^${count.toLocaleString('en')}$`)

test.each(['http+sse', 'paired', 'streamable-http', 'stateless'])(
  'over %s the values of a page go on moving when the node that it is on is killed',
  async (transport) => {
    const page = await browser.newPage()
    await page.goto(`${demo.url}/?${new URLSearchParams({ transport }).toString()}`)
    await page.getByText(/This page is on node \d, process \d+/).waitFor()
    const counted = Number((await value(page, 'demo://counter', /\d/)).replaceAll(/\D/g, '')) + 1
    await page.getByRole('button', { name: 'Add 1', exact: true }).click()
    await value(page, 'demo://counter', counter(counted))
    const killed = await pidOf(page)

    await page.getByRole('button', { name: 'Kill this node' }).click()

    await demo.line(new RegExp(`process ${killed}, has ended by SIGKILL`))
    const news = page.locator('.group.connection', {
      hasText: /: (nothing was missed|every value was read again)/,
    })
    await news.waitFor()
    expect(await news.innerText()).toContain('nothing was missed')
    expect(await pidOf(page)).not.toBe(killed)
    await value(page, 'demo://counter', counter(counted))
    const clock = page.locator('[data-uri="clock://now"] .value')
    const shown = await clock.innerText()
    await page.waitForFunction(
      (shown) => document.querySelector<HTMLElement>('[data-uri="clock://now"] .value')?.innerText !== shown,
      shown,
    )
    await page.getByRole('button', { name: 'Add 1', exact: true }).click()
    await value(page, 'demo://counter', counter(counted + 1))
    // A note is a file that every node watches.
    await writeFile(join(demo.notes, `after-${transport.length}.md`), 'Written after the kill.')
    await value(page, `note:///after-${transport.length}`, 'Written after the kill.')
    await page.context().close()
  },
)

test('every node reads the same counter, and a change of a note is told once', async () => {
  const file = join(demo.notes, 'told.md')
  await writeFile(file, 'one')
  const clients = await Promise.all(Array.from({ length: 6 }, () => connect(`${demo.url}/mcp`)))
  const heard = clients.map((client) => {
    const updates: string[] = []
    client.on('notifications/resources/updated', ({ uri }) => updates.push(uri))
    return updates
  })
  const readsAll = (uri: string) => Promise.all(clients.map((client) => readText(client, uri)))
  for (const client of clients) {
    await client.subscribe('note:///told')
    await client.subscribe('demo://counter')
  }

  await clients[0]!.callTool('burst', { count: 1234 })
  expect(new Set(await readsAll('demo://counter')).size).toBe(1)

  // Each note is a change of its own: the mark after it says that all that was told of it has come.
  await writeFile(file, 'two')
  for (const updates of heard) {
    while (!updates.includes('note:///told')) await clients[0]!.ping()
  }
  await clients[0]!.callTool('burst', { count: 1 })
  expect(new Set(await readsAll('note:///told'))).toEqual(new Set(['two']))
  for (const updates of heard) expect(updates.filter((uri) => uri === 'note:///told')).toHaveLength(1)
  for (const client of clients) await client.close()
})

test('only the page may kill a node', async () => {
  const health = await fetch(`${demo.url}/health`)
  expect(health.headers.get('Demo-Node')).toMatch(/^node \d \d+$/)
  const pid = health.headers.get('Demo-Node')!.split(' ').at(-1)!
  for (const headers of [{}, { Origin: 'http://evil.example' }, { Origin: 'null' }]) {
    const { status } = await fetch(`${demo.url}/kill?pid=${pid}`, { method: 'POST', headers })
    expect(status).toBe(403)
  }
  const unclear = await fetch(`${demo.url}/kill`, { method: 'POST', headers: { Origin: demo.url } })
  expect(unclear.status).toBe(400)
  const alone = await runDemo()
  const { status } = await fetch(`${alone.url}/kill?pid=1`, {
    method: 'POST',
    headers: { Origin: alone.url },
  })
  expect(status).toBe(404)
  await alone[Symbol.asyncDispose]()
})
