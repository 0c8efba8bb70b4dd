import { build } from 'esbuild'
import type { Browser, Page } from 'playwright-core'
import type { renderMarkdown } from '../src/page/markdown.ts'
import { launchBrowser } from './browser.ts'

declare global {
  interface Window {
    markdown: { renderMarkdown: typeof renderMarkdown }
    wasRun: boolean | undefined
  }
}

let browser: Browser
let page: Page

beforeAll(async () => {
  const { outputFiles } = await build({
    entryPoints: [new URL('../src/page/markdown.ts', import.meta.url).pathname],
    bundle: true,
    format: 'iife',
    globalName: 'markdown',
    write: false,
  })
  browser = await launchBrowser()
  // A page without a content security policy: the renderer has to be safe by itself.
  page = await browser.newPage()
  await page.addScriptTag({ content: outputFiles[0]?.text ?? '' })
})

afterAll(async () => {
  await browser?.close()
})

async function render(text: string): Promise<string> {
  return page.evaluate((text) => {
    document.body.replaceChildren(...window.markdown.renderMarkdown(text))
    return document.body.innerHTML
  }, text)
}

test('Markdown becomes elements, with headings below those of the card', async () => {
  expect(await render('# One\n\nA *b* **c** ~~d~~ `e`\n\n## Two')).toBe(
    '<h4>One</h4><p>A <em>b</em> <strong>c</strong> <del>d</del> <code>e</code></p><h5>Two</h5>',
  )
  expect(await render('- one\n- two\n')).toBe('<ul><li>one</li><li>two</li></ul>')
  expect(await render('3. three\n4. four\n')).toBe('<ol start="3"><li>three</li><li>four</li></ol>')
  expect(await render('> quoted\n\n---\n\n```js\nlet a = "<b>"\n```')).toBe(
    '<blockquote><p>quoted</p></blockquote><hr><pre><code>let a = "&lt;b&gt;"</code></pre>',
  )
  expect(await render('|a|b|\n|-|-|\n|1|2|')).toBe(
    '<table><thead><tr><th scope="col">a</th><th scope="col">b</th></tr></thead>' +
      '<tbody><tr><td>1</td><td>2</td></tr></tbody></table>',
  )
})

test('the characters of entities are shown', async () => {
  await render('Fish &amp; chips &lt;b&gt; &#233; &unknown; \\*')
  expect(await page.locator('body').innerText()).toBe('Fish & chips <b> é &unknown; *')
})

test('links go to the web and to mail, and nowhere else', async () => {
  expect(await render('[a](https://example.com/?a=1&b=2)')).toBe(
    '<p><a href="https://example.com/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer">a</a></p>',
  )
  for (const href of [
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'javascript&colon;alert(1)',
    '&#106;avascript:alert(1)',
    '<java\tscript:alert(1)>',
    'vbscript:a',
    'data:text/html,<script>alert(1)</script>',
    'file:///etc/passwd',
    '/mcp',
    '//example.com',
  ]) {
    await render(`[press](${href})`)
    expect(await page.locator('a[href]').count()).toBe(0)
  }
})

test.each([
  '<script>wasRun = true</script>',
  '<img src=x onerror="wasRun = true">',
  'text <img src=x onerror=wasRun=true> text',
  '<svg onload="wasRun = true">',
  '<iframe srcdoc="<script>parent.wasRun = true</script>"></iframe>',
  '<a href="javascript:wasRun = true" autofocus onfocus="wasRun = true">press</a>',
  '<details open ontoggle="wasRun = true">',
  '<style>* { display: none }</style>',
  '![x" onerror="wasRun = true](x)',
  '[x](https://example.com/" onmouseover="wasRun = true)',
  '`<img src=x onerror="wasRun = true">`',
  '```<img src=x onerror="wasRun = true">\n<img src=x onerror="wasRun = true">\n```',
  '| <img src=x onerror="wasRun = true"> |\n|-|\n| <script>wasRun = true</script> |',
  '&lt;img src=x onerror="wasRun = true"&gt;',
])('HTML is shown as text: %s', async (text) => {
  await render(text)
  // An event handler that got through would have had its chance after the next frames.
  await page.evaluate(
    () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
  )
  expect(await page.evaluate(() => window.wasRun)).toBeUndefined()
  const made = await page.evaluate(() =>
    Array.from(document.body.querySelectorAll('*'), ({ localName, attributes }) => [
      localName,
      ...Array.from(attributes, ({ name }) => name),
    ]).flat(),
  )
  const known = ['p', 'pre', 'code', 'span', 'title', 'a', 'href', 'target', 'rel', 'table', 'thead', 'tbody']
  expect(made.filter((name) => ![...known, 'tr', 'th', 'td', 'scope'].includes(name))).toEqual([])
})

test('a text that is too long or too deep to parse is shown as it is', async () => {
  for (const text of ['*a* '.repeat(20_000), `${'>'.repeat(20_000)} deep`, '['.repeat(20_000)]) {
    await render(text)
    expect((await page.locator('body').innerText()).length).toBeGreaterThan(0)
  }
})
