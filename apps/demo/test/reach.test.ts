import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client as OfficialClient } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import type { Browser } from 'playwright-core'
import { launchBrowser } from './browser.ts'
import { run, runDemo, type Demo } from './run-demo.ts'

let demo: Demo
let browser: Browser

beforeEach(async () => {
  ;[demo, browser] = await Promise.all([runDemo(), launchBrowser()])
})

afterEach(async () => {
  await browser?.close()
  await demo?.[Symbol.asyncDispose]()
})

test('a note saved on disk reaches two tabs, the terminal and an official client at once', async () => {
  const file = join(demo.notes, 'news.md')
  await writeFile(file, 'old')
  const tabs = [await browser.newPage(), await browser.newPage()]
  for (const tab of tabs) await tab.goto(demo.url)
  const terminal = run('watch.js', [`${demo.url}/sse`], { NO_COLOR: '1' })
  const official = new OfficialClient({ name: 'official', version: '1.0.0' })
  await official.connect(new SSEClientTransport(new URL('/sse', demo.url)))
  await official.subscribeResource({ uri: 'note:///news' })
  const heard = new Promise<string>((resolve) => {
    official.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => resolve(params.uri))
  })
  const shown = (tab: (typeof tabs)[number], text: string) =>
    tab.locator('[data-uri="note:///news"] .value', { hasText: text }).waitFor()

  await Promise.all(tabs.map((tab) => shown(tab, 'old')))
  await terminal.line(/note:\/\/\/news +now +old$/)

  await writeFile(file, 'new')

  await Promise.all([
    ...tabs.map((tab) => shown(tab, 'new')),
    terminal.line(/note:\/\/\/news +×1 +new$/),
    expect(heard).resolves.toBe('note:///news'),
  ])
  const { contents } = await official.readResource({ uri: 'note:///news' })
  expect(contents[0]).toMatchObject({ text: 'new' })

  expect(await terminal.end('SIGINT')).toBe(0)
  expect(await terminal.line(/1 {2}note:/)).toBe('       1  note:///news')
  await official.close()
})

test('SIGTERM ends the server with 0, also while clients are connected', async () => {
  const tab = await browser.newPage()
  await tab.goto(demo.url)
  await tab.locator('#state[data-state=connected]').waitFor()
  expect(await demo.end('SIGTERM')).toBe(0)
  await tab.locator('#state[data-state=reconnecting]').waitFor()
})

test('the terminal says in one line that there is no server, and ends with 1', async () => {
  await demo.end()
  const terminal = run('watch.js', [`${demo.url}/sse`], {})
  await expect(terminal.line(/./)).rejects.toThrow(`No server to watch at ${demo.url}/sse`)
  expect(terminal.process.exitCode).toBe(1)
})

test('the terminal is coloured where that is wanted', async () => {
  const terminal = run('watch.js', [`${demo.url}/sse`], { FORCE_COLOR: '1' })
  // eslint-disable-next-line no-control-regex -- it is what is looked for
  expect(await terminal.line(/clock:\/\/now/)).toMatch(/\u001b\[\d+m.*clock:\/\/now/)
  expect(await terminal.end()).toBe(0)
})
