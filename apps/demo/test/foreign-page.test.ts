import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { launchBrowser } from './browser.ts'
import { runDemo, type Demo } from './run-demo.ts'

let demo: Demo
let browser: Browser
let foreign: Server
let page: Page

beforeAll(async () => {
  ;[demo, browser] = await Promise.all([runDemo(), launchBrowser()])
  foreign = createServer((_request, response) => {
    response.setHeader('Content-Type', 'text/html').end('<title>foreign</title><body></body>')
  }).listen(0, '127.0.0.1')
  await once(foreign, 'listening')
  page = await browser.newPage()
  // A name that browsers resolve to this machine, of another site than the demo's address.
  await page.goto(`http://foreign.localhost:${(foreign.address() as AddressInfo).port}/`)
})

afterAll(async () => {
  await browser?.close()
  foreign?.close()
  await demo?.[Symbol.asyncDispose]()
})

const opened = async () => {
  const { sessions, limits } = await (await fetch(`${demo.url}/health`)).json()
  return { opened: sessions.opened, streams: limits.streams.used }
}

const initialize = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'page', version: '0' } },
})

/** What a page can make its browser load without being asked to. Each resolves when it was loaded, or could not be. */
const loads: Record<string, (page: Page, url: string) => Promise<unknown>> = {
  image: (page, url) => load(page, 'img', 'src', url),
  script: (page, url) => load(page, 'script', 'src', url),
  'style sheet': (page, url) => load(page, 'link', 'href', url, { rel: 'stylesheet' }),
  prefetch: (page, url) => load(page, 'link', 'href', url, { rel: 'prefetch' }),
  audio: (page, url) => load(page, 'audio', 'src', url),
  frame: (page, url) => load(page, 'iframe', 'src', url),
  'fetch without CORS, for an event stream': (page, url) =>
    page.evaluate(
      (url) =>
        fetch(url, { mode: 'no-cors', headers: { Accept: 'text/event-stream' } }).then(
          ({ type }) => type,
          () => 'failed',
        ),
      url,
    ),
  fetch: (page, url) =>
    page.evaluate(
      (url) =>
        fetch(url, { headers: { Accept: 'text/event-stream' } }).then(
          () => 'read',
          () => 'failed',
        ),
      url,
    ),
  EventSource: (page, url) =>
    page.evaluate(
      (url) =>
        new Promise((resolve) => {
          const source = new EventSource(url)
          source.onopen = () => resolve('read')
          source.onerror = () => resolve('failed')
        }),
      url,
    ),
}

function load(page: Page, tag: string, attribute: string, url: string, others: Record<string, string> = {}) {
  return page.evaluate(
    ({ tag, attribute, url, others }) =>
      new Promise((resolve) => {
        const element = document.createElement(tag)
        for (const [name, value] of Object.entries({ ...others, [attribute]: url })) {
          element.setAttribute(name, value)
        }
        element.onload = () => resolve('loaded')
        element.onerror = () => resolve('failed')
        document.body.append(element)
      }),
    { tag, attribute, url, others },
  )
}

test.each(Object.keys(loads))('a foreign page opens nothing by %s', async (name) => {
  const before = await opened()
  for (const path of ['/sse', `/sse?client_id=${'x'.repeat(30)}`, '/mcp']) {
    expect(await loads[name]!(page, demo.url + path)).not.toBe('read')
  }
  expect(await opened()).toEqual(before)
})

test.each(['POST', 'DELETE', 'GET'])(
  'a foreign page opens nothing by a %s of fetch, a form or a beacon',
  async (method) => {
    const before = await opened()
    for (const path of ['/mcp', '/sse', `/mcp?client_id=${'x'.repeat(30)}`, '/messages?sessionId=x']) {
      const outcomes = await page.evaluate(
        async ({ url, method, body }) => {
          const outcome = (request: Promise<Response>) =>
            request.then(
              ({ type, status }) => `${type} ${status}`,
              () => 'failed',
            )
          const init = method === 'POST' ? { method, body } : { method }
          const json = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' }
          return Promise.all([
            outcome(fetch(url, { ...init, headers: json })),
            outcome(fetch(url, init)),
            outcome(fetch(url, { ...init, method: method === 'DELETE' ? 'POST' : method, mode: 'no-cors' })),
            Promise.resolve(String(navigator.sendBeacon(url, body))),
          ])
        },
        { url: demo.url + path, method, body: initialize },
      )
      // Nothing that it could read: without CORS a response is opaque.
      expect(outcomes.slice(0, 2)).toEqual(['failed', 'failed'])
      expect(['failed', 'opaque 0']).toContain(outcomes[2])
    }
    expect(await opened()).toEqual(before)
  },
)

test('a form of a foreign page opens nothing, and a link to the server neither', async () => {
  const before = await opened()
  for (const method of ['GET', 'POST']) {
    for (const path of ['/sse', '/mcp']) {
      const form = await browser.newPage()
      await form.goto(page.url())
      const [answer] = await Promise.all([
        form.waitForResponse(demo.url + path + (method === 'GET' ? '?jsonrpc=2.0' : '')),
        form.evaluate(
          ({ action, method }) => {
            const form = document.createElement('form')
            Object.assign(form, { action, method, enctype: 'text/plain' })
            form.innerHTML = '<input name="jsonrpc" value="2.0">'
            document.body.append(form)
            form.submit()
          },
          { action: demo.url + path, method },
        ),
      ])
      expect(answer.status()).toBe(403)
      await form.close()
    }
  }
  expect(await opened()).toEqual(before)
})

test('a page whose name was rebound to this machine is refused', async () => {
  const rebound = await browser.newPage()
  const { port } = new URL(demo.url)
  for (const path of ['/health', '/mcp', '/sse']) {
    const response = await rebound.goto(`http://foreign.localhost:${port}${path}`)
    expect(response!.status()).toBe(403)
  }
  await rebound.close()
})
