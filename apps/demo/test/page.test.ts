import { appendFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { launchBrowser } from './browser.ts'
import { run, runDemo, type Demo } from './run-demo.ts'

let demo: Demo
let browser: Browser
let page: Page
const complaints: string[] = []

beforeAll(async () => {
  // One after the other: when the demo does not start, no browser is left.
  demo = await runDemo()
  browser = await launchBrowser()
})

afterAll(async () => {
  await browser?.close()
  await demo?.[Symbol.asyncDispose]()
})

beforeEach(async () => {
  page = await openPage()
})

afterEach(async () => {
  await page.context().close()
  expect(complaints).toEqual([])
})

async function openPage(transport = 'http+sse'): Promise<Page> {
  const opened = await browser.newPage()
  opened.on('pageerror', (error) => complaints.push(error.message))
  opened.on('console', (message) => {
    if (message.type() !== 'error') return
    // Requests fail while a connection is cut on purpose, and are refused by a server that stops or has just begun.
    const toTransport = /\/(sse|messages|mcp)\b/.test(message.location().url)
    if (/net::ERR_/.test(message.text()) || (toTransport && /status of (404|503)/.test(message.text())))
      return
    complaints.push(message.text())
  })
  await opened.goto(`${demo.url}/?${new URLSearchParams({ transport }).toString()}`)
  await inState(opened, 'connected')
  return opened
}

async function inState(page: Page, state: string) {
  await page.locator(`#state[data-state=${state}]`).waitFor()
}

function card(page: Page, uri: string, hasText?: string | RegExp) {
  return page.locator(`[data-uri="${uri}"]`, hasText === undefined ? {} : { hasText })
}

function loggedConnection(page: Page, hasText: string) {
  return page.locator('.group.connection', { hasText })
}

function tool(page: Page, name: string) {
  return page.locator(`[data-tool=${name}]`)
}

async function saveNote(name: string, text: string) {
  await writeFile(join(demo.notes, `${name}.md`), text)
}

test('the page says whose it is and shows values that move', async () => {
  expect(await page.locator('.server').innerText()).toMatch(
    /tidings-demo \d+\.\d+\.\d+ over http\+sse, revision 20\d\d-/,
  )
  await page.getByText('This page is a live MCP client').waitFor()
  await card(page, 'system://memory', /in use/).waitFor()
  const clock = card(page, 'clock://now').locator('.value')
  const shown = await clock.innerText()
  await card(page, 'clock://now', /[2-9] updates/).waitFor()
  expect(await clock.innerText()).not.toBe(shown)
})

test('cpu, memory and load are plotted', async () => {
  for (const uri of ['system://cpu', 'system://memory', 'system://load']) {
    await card(page, uri, /[2-9] updates/).waitFor()
    const painted = await card(page, uri)
      .locator('canvas')
      .evaluate((canvas: HTMLCanvasElement) => {
        const pixels = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? []
        return Array.from(pixels).some((value) => value > 0)
      })
    expect(painted).toBe(true)
  }
})

test('a file that is written, changed and removed on disk does so on the page', async () => {
  await saveNote('seen', '# First')
  await card(page, 'note:///seen').getByRole('heading', { name: 'First' }).waitFor()
  await appendFile(join(demo.notes, 'seen.md'), '\nSecond')
  await card(page, 'note:///seen', 'Second').waitFor()
  await card(page, 'note:///seen', 'update').waitFor()
  await rm(join(demo.notes, 'seen.md'))
  await card(page, 'note:///seen').waitFor({ state: 'detached' })
})

test('what a note holds is shown as text, whatever it is', async () => {
  const text = '<img src=x onerror="document.title = 1"><script>document.title = 2</script>'
  await saveNote('markup', text)
  await card(page, 'note:///markup', text).waitFor()
  expect(await card(page, 'note:///markup').locator('img, script').count()).toBe(0)
  expect(await page.title()).toBe('Tidings demo')
})

test('the log holds what arrived and is filtered', async () => {
  await saveNote('logged', 'first')
  await card(page, 'note:///logged', 'first').waitFor()
  await page.getByLabel('Filter notifications').fill('note:///logged')
  await saveNote('logged', 'second')
  const group = page.locator('#log-groups .group').first()
  await group.filter({ hasText: 'note:///logged' }).waitFor()
  expect(await group.innerText()).toMatch(
    /^note:\/\/\/logged\s+resource updated\s+×\d\s+\d\d:\d\d:\d\d\.\d{3}$/,
  )
  expect(await page.locator('#log-groups .group', { hasText: 'clock' }).count()).toBe(0)
})

test('a connection that is cut recovers in the same session, with what changed in between', async () => {
  await saveNote('cut', 'before')
  await card(page, 'note:///cut', 'before').waitFor()
  await page.getByRole('button', { name: 'Cut the connection' }).click()
  await inState(page, 'reconnecting')
  await saveNote('cut', 'meanwhile')
  await inState(page, 'connected')
  await loggedConnection(page, 'reconnected to the same session: nothing was missed').waitFor()
  await card(page, 'note:///cut', 'meanwhile').waitFor()
})

test('a tool that runs is not lost with a connection that is cut', async () => {
  const countdown = tool(page, 'countdown')
  await countdown.locator('summary').click()
  await countdown.getByLabel('seconds').fill('3')
  await countdown.getByRole('button', { name: 'Run' }).click()
  await countdown.getByText('3 s left').waitFor()
  await page.getByRole('button', { name: 'Cut the connection' }).click()
  await inState(page, 'reconnecting')
  await countdown.getByText('Counted down from 3.').waitFor()
})

test('a tool is run by its form, with the keyboard alone', async () => {
  await tool(page, 'write_note').locator('summary').focus()
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  await page.keyboard.type('by-form')
  await page.keyboard.press('Tab')
  await page.keyboard.type('# Written\nby a form')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await tool(page, 'write_note').getByText('Wrote note:///by-form').waitFor()
  await card(page, 'note:///by-form', 'by a form').waitFor()
})

test('what a tool refuses is shown, and what its schema forbids is not sent', async () => {
  const remove = tool(page, 'delete_note')
  await remove.locator('summary').click()
  const name = remove.getByLabel('name')
  await remove.getByRole('button', { name: 'Run' }).click()
  expect(await name.evaluate((input: HTMLInputElement) => input.validity.valueMissing)).toBe(true)
  expect(await remove.locator('.result').isVisible()).toBe(false)
  await name.fill('../outside')
  await remove.getByRole('button', { name: 'Run' }).click()
  await remove.locator('.result.error', { hasText: 'has a path separator' }).waitFor()
})

test('a running tool shows its progress and is cancelled', async () => {
  const countdown = tool(page, 'countdown')
  await countdown.locator('summary').click()
  await countdown.getByLabel('seconds').fill('60')
  await countdown.getByRole('button', { name: 'Run' }).click()
  await countdown.getByText('59 s left').waitFor()
  expect(
    await countdown.locator('progress').evaluate((bar: HTMLProgressElement) => bar.position),
  ).toBeCloseTo(1 / 60)
  await countdown.getByRole('button', { name: 'Cancel' }).click()
  await countdown.getByText('Cancelled.').waitFor()
  await countdown.getByRole('button', { name: 'Run' }).waitFor()
})

test('a burst of 100,000 changes leaves the page up to date', async () => {
  const burst = tool(page, 'burst')
  const before = Number((await card(page, 'demo://counter').locator('.big').innerText()).replace(/\D/g, ''))
  await burst.locator('summary').click()
  await burst.getByLabel('Number of changes').fill('100000')
  await burst.getByRole('button', { name: 'Run' }).click()
  await card(page, 'demo://counter', (before + 100_000).toLocaleString('en')).waitFor()
  await burst.getByText('Changes made').waitFor()
  expect(await burst.locator('.result').innerText()).toMatch(/Changes made\s+100,000\s/)
})

test('a question of the server is accepted, declined or cancelled in a dialog', async () => {
  const ask = tool(page, 'ask_name')
  const dialog = page.getByRole('dialog')
  await ask.locator('summary').click()
  await ask.getByRole('button', { name: 'Run' }).click()
  await dialog.getByText('What may I call you?').waitFor()
  await dialog.getByLabel('Name').fill('Ada')
  await page.keyboard.press('Enter')
  await ask.getByText('Hello, Ada!').waitFor()

  await ask.getByRole('button', { name: 'Run' }).click()
  await dialog.getByRole('button', { name: 'Decline' }).click()
  await ask.getByText('No name: decline.').waitFor()

  await ask.getByRole('button', { name: 'Run' }).click()
  await dialog.waitFor()
  await page.keyboard.press('Escape')
  await ask.getByText('No name: cancel.').waitFor()
})

test('what one tab does, another sees', async () => {
  const other = await openPage()
  await tool(page, 'write_note').locator('summary').click()
  await tool(page, 'write_note').getByLabel('name').fill('shared')
  await tool(page, 'write_note').getByLabel('text').fill('from the first tab')
  await tool(page, 'write_note').getByRole('button', { name: 'Run' }).click()
  await card(other, 'note:///shared', 'from the first tab').waitFor()
  await card(page, 'note:///shared', 'from the first tab').waitFor()
  await other.context().close()
})

test('the page has no width of its own on a phone', async () => {
  await page.setViewportSize({ width: 360, height: 740 })
  await page.getByRole('button', { name: 'Tools', exact: true }).click()
  for (const name of ['write_note', 'burst']) await tool(page, name).locator('summary').click()
  const width = await page.evaluate(() => document.documentElement.scrollWidth)
  expect(width).toBeLessThanOrEqual(360)
})

test.each([
  ['auto', 'stateless', '2026-07-28'],
  ['stateless', 'stateless', '2026-07-28'],
  ['streamable-http', 'streamable-http', '2025-11-25'],
  ['http+sse', 'http+sse', '2025-11-25'],
  ['paired', 'paired', '2025-11-25'],
])(
  'by the transport %s values move, and what changes while it is cut is shown',
  async (choice, transport, revision) => {
    if (choice === 'http+sse') await page.locator('#transport').selectOption('auto')
    await page.locator('#transport').selectOption(choice)
    await page.locator('#server-transport', { hasText: transport }).waitFor()
    await page.locator('#server-revision', { hasText: revision }).waitFor()
    await inState(page, 'connected')
    await card(page, 'clock://now', /[2-9] updates/).waitFor()
    await page.locator('#cut').click()
    await inState(page, 'reconnecting')
    await saveNote('while-cut', `while ${choice} was cut`)
    await inState(page, 'connected')
    await card(page, 'note:///while-cut', `while ${choice} was cut`).waitFor()
    // Only a transport with a session speaks of one.
    await page.locator('#connection-news', { hasText: /: nothing was missed\.$/ }).waitFor()
    expect(/session/.test(await page.locator('#connection-news').innerText())).toBe(transport !== 'stateless')
  },
)

test('a server that is started anew is found again', async () => {
  await demo.end()
  await inState(page, 'reconnecting')
  await saveNote('new', 'of the new server')
  const again = run('server.js', [], { PORT: new URL(demo.url).port, NOTES_DIR: demo.notes })
  await again.line(/^Tidings demo on http:/)
  await inState(page, 'connected')
  await loggedConnection(page, 'reconnected in a new session: every value was read again').waitFor()
  await card(page, 'note:///new', 'of the new server').waitFor()
  expect(await again.end()).toBe(0)
})
