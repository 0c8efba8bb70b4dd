import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { launchBrowser } from './browser.ts'
import { runDemo, type Demo } from './run-demo.ts'

let demo: Demo
let browser: Browser

beforeAll(async () => {
  // One after the other: when the demo does not start, no browser is left.
  demo = await runDemo()
  browser = await launchBrowser()
  const long = `# ${'unbroken'.repeat(40)}\n\n\`${'code'.repeat(60)}\`\n\n|a|b|\n|-|-|\n|${'cell'.repeat(40)}|x|\n`
  await writeFile(join(demo.notes, `${'long-name'.repeat(10)}.md`), long)
})

afterAll(async () => {
  await browser?.close()
  await demo?.[Symbol.asyncDispose]()
})

async function openPage(width: number, height: number): Promise<Page> {
  const page = await browser.newPage({ viewport: { width, height } })
  await page.goto(demo.url)
  await page.locator('#state[data-state=connected]').waitFor()
  await page.locator('[data-uri="clock://now"]', { hasText: 'updates' }).waitFor()
  return page
}

const overflow = (page: Page) =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement
    return scrollWidth - clientWidth
  })

/** What scrolls sideways, or scrolls at all without being a text that shows that it does. */
const accidentalScrolling = (page: Page) =>
  page.evaluate(() =>
    Array.from(document.querySelectorAll('main *, .intro *, .top'))
      .filter((element) =>
        /auto|scroll/.test(getComputedStyle(element).overflowY + getComputedStyle(element).overflowX),
      )
      .filter(
        (element) =>
          element.scrollWidth > element.clientWidth || !element.matches('.text, textarea, input, select'),
      )
      .map((element) => element.outerHTML.slice(0, 100)),
  )

test.each([
  [1280, 900],
  [1440, 900],
  [768, 1024],
  [390, 844],
])('nothing overflows at %i x %i, with every tool open and a log of long names', async (width, height) => {
  const page = await openPage(width, height)
  const sections = await page.locator('#section-bar button:visible').all()
  for (const section of sections.length > 0 ? sections : [undefined]) {
    await section?.click()
    for (const tool of await page.locator('.tool:visible').all()) {
      await tool.locator('summary').click()
      expect(await overflow(page)).toBeLessThanOrEqual(0)
    }
    for (const group of await page.locator('.group:visible summary').all()) await group.click()
    expect(await overflow(page)).toBeLessThanOrEqual(0)
    expect(await accidentalScrolling(page)).toEqual([])
  }
  await page.context().close()
})

test('on a phone every section is one press away, and only one is shown', async () => {
  const page = await openPage(390, 844)
  const headings = page.getByRole('heading', { level: 2 })
  for (const [button, heading] of [
    ['Notes', 'Notes'],
    ['Tools', 'Tools'],
    ['Log', 'Notifications'],
    ['Live', 'Live values'],
  ] as const) {
    await page.getByRole('button', { name: button, exact: true }).click()
    expect(await headings.allInnerTexts()).toEqual([heading]) // a role has no hidden elements
    expect(await page.locator('[aria-current=true]').innerText()).toBe(button)
  }
  await page.getByRole('button', { name: 'Server', exact: true }).click()
  await page.getByLabel('Transport').waitFor()
  await page.getByRole('button', { name: 'Cut the connection' }).waitFor()
  await page.context().close()
})

test('the counter and the clock are the largest on the page', async () => {
  const page = await openPage(1280, 900)
  const sizes = await page.evaluate(() => {
    const sizeOf = (element: Element) => parseFloat(getComputedStyle(element).fontSize)
    const largest = (elements: Element[]) => Math.max(...elements.map(sizeOf))
    const all = Array.from(document.body.querySelectorAll('*'))
    return {
      counter: sizeOf(document.querySelector('[data-uri="demo://counter"] .big')!),
      clock: sizeOf(document.querySelector('[data-uri="clock://now"] .big')!),
      others: largest(all.filter((element) => !element.matches('.big'))),
    }
  })
  expect(Math.min(sizes.counter, sizes.clock)).toBeGreaterThan(60)
  expect(Math.min(sizes.counter, sizes.clock)).toBeGreaterThan(1.5 * sizes.others)
  await page.context().close()
})
