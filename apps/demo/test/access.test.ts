import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { launchBrowser } from './browser.ts'
import { runDemo, type Demo } from './run-demo.ts'

let demo: Demo
let browser: Browser
let page: Page

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
  page = await browser.newPage({ reducedMotion: 'reduce' })
  await page.goto(demo.url)
  await page.locator('#state[data-state=connected]').waitFor()
})

afterEach(async () => {
  await page.context().close()
})

test('a note that changes is read out, and what ticks is not', async () => {
  const spoken = page.locator('#announcements')
  await page.locator('[data-uri="clock://now"]', { hasText: /[3-9] updates/ }).waitFor()
  expect(await spoken.innerText()).toBe('')
  await writeFile(join(demo.notes, 'spoken.md'), 'first')
  await spoken.filter({ hasText: 'note:///spoken was added.' }).waitFor()
  await page.locator('[data-uri="note:///spoken"]', { hasText: 'first' }).waitFor()
  await appendFile(join(demo.notes, 'spoken.md'), ' second')
  await spoken.filter({ hasText: 'note:///spoken changed.' }).waitFor()
  expect(await spoken.innerText()).not.toMatch(/clock|system/)
})

test('no region that ticks is live', async () => {
  const live = page.locator('[role=status], [role=alert], [role=log], [aria-live], output')
  const owners = await live.evaluateAll((regions) => regions.map(({ id, className }) => id || className))
  expect(new Set(owners)).toEqual(new Set(['connection-news', 'announcements', 'result']))
  expect(await page.locator('#live, #log-groups').locator('[role=status], [aria-live], output').count()).toBe(
    0,
  )
})

test('every control has a name', async () => {
  const unnamed = await page.locator('button, input, select, textarea, a, summary').evaluateAll((controls) =>
    controls
      .filter((control) => {
        const labels =
          'labels' in control ? Array.from((control.labels as NodeListOf<Element> | null) ?? []) : []
        const texts = [
          control.textContent,
          control.getAttribute('aria-label'),
          ...labels.map((label) => label.textContent),
        ]
        return texts.every((text) => !text?.trim())
      })
      .map((control) => control.outerHTML),
  )
  expect(unnamed).toEqual([])
})

test('the focus is visible', async () => {
  for (let presses = 0; presses < 12; presses++) {
    await page.keyboard.press('Tab')
    const style = await page.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle)
    expect(style).toBe('solid')
  }
})

test('nothing moves for a person who wants less motion', async () => {
  await page.locator('[data-uri="clock://now"]', { hasText: /[2-9] updates/ }).waitFor()
  expect(await page.evaluate(() => document.getAnimations().length)).toBe(0)
})

test('the log opens a topic: every arrival with its time, the newest first, and it stays open', async () => {
  const clock = page.locator('.group[data-topic="clock://now"]')
  await clock.locator('summary').click()
  await clock.locator('tbody tr').nth(2).waitFor()
  const times = await clock
    .locator('tbody time')
    .evaluateAll((all) => all.map((time) => time.getAttribute('datetime')))
  expect(times).toEqual([...times].sort().reverse())
  expect(await clock.locator('tbody tr').first().innerText()).toMatch(
    /^\d\d:\d\d:\d\d\.\d{3}\s+\+\d\.\d{3} s/,
  )
  expect(await page.locator('.group[data-topic="clock://now"]').count()).toBe(1)

  await writeFile(join(demo.notes, 'top.md'), 'first')
  await page.locator('[data-uri="note:///top"]', { hasText: 'first' }).waitFor()
  await appendFile(join(demo.notes, 'top.md'), ' second')
  await page.locator('.group', { hasText: 'note:///top' }).waitFor()
  const topics = await page.locator('.group').evaluateAll((all) => all.map((group) => group.dataset.topic))
  expect(topics[0]).toBe('note:///top')
})
