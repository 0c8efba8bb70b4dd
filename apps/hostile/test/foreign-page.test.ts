import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { defer } from '@tidings/testkit/disposers'
import { type Browser, chromium, type Page } from 'playwright-core'
import { openSession, transports } from './raw-session.ts'
import { type ServerProcess, startServer } from './server-process.ts'

// A page that a user visits while a server runs on their machine. It is of another site, or has the server's address under a
// name of its own (DNS rebinding). Whatever a page can make a browser send, nothing is opened, called or ended by it.

let browser: Browser

beforeAll(async () => {
  const known = 'command -v chromium || command -v chromium-browser || command -v google-chrome'
  const executablePath =
    process.env['CHROMIUM'] || execFileSync('sh', ['-c', known], { encoding: 'utf8' }).trim()
  const args = ['--no-sandbox', '--disable-gpu', '--host-resolver-rules=MAP *.test 127.0.0.1']
  browser = await chromium.launch({ executablePath, args })
})

afterAll(() => browser.close())

/** A page of http://evil.test, or of a name under which the server itself is reached. */
async function foreignPage(url: string): Promise<Page> {
  const page = await browser.newPage()
  defer(page, (page) => page.close())
  await page.goto(url, { waitUntil: 'commit' })
  return page
}

async function evilSite(): Promise<string> {
  const http = createServer((_request, response) => {
    response.setHeader('Content-Type', 'text/html')
    response.end('<!doctype html><title>evil</title><body></body>')
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  defer(http, () => (http.closeAllConnections(), http.close()))
  return `http://evil.test:${(http.address() as AddressInfo).port}/`
}

/** The targets of each transport: where it opens, and where it takes messages, of a session that a program has open. */
async function targetsOf(server: ServerProcess, transport: (typeof transports)[number]) {
  const session = await openSession(server.url, transport)
  const opens = {
    'http+sse': `${server.url}/sse`,
    paired: `${server.url}/sse?client_id=the-client-of-a-foreign-page`,
    'streamable-http': `${server.url}/mcp`,
    stateless: `${server.url}/mcp`,
  }[transport]
  return { session, opens, messages: session.url }
}

/** Everything a page can have sent, by each of its means. Resolves with what it could read. */
async function attack(
  page: Page,
  { opens, messages }: { opens: string; messages: string },
): Promise<string[]> {
  return page.evaluate(
    async ({ opens, messages }) => {
      const read: string[] = []
      const call = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'whoami' } })
      const hello = JSON.stringify({
        jsonrpc: '2.0',
        id: 0,
        method: 'initialize',
        params: {
          protocolVersion: '2025-11-25',
          capabilities: {},
          clientInfo: { name: 'evil', version: '0' },
        },
      })
      const settled = (element: HTMLElement) =>
        new Promise(
          (resolve) => (
            element.addEventListener('load', resolve),
            element.addEventListener('error', resolve)
          ),
        )
      const load = (tag: 'img' | 'script' | 'iframe' | 'audio' | 'link', url: string) => {
        const element = document.createElement(tag)
        const loaded = settled(element)
        if (tag === 'link') Object.assign(element, { rel: 'stylesheet', href: url })
        else Object.assign(element, { src: url })
        document.body.append(element)
        // The load of a stream never ends.
        return Promise.race([loaded, new Promise((resolve) => setTimeout(resolve, 500))]).then(() =>
          element.remove(),
        )
      }
      const tryFetch = async (url: string, init: RequestInit) => {
        const cut = AbortSignal.timeout(2_000)
        try {
          const response = await fetch(url, { ...init, signal: cut })
          if (response.type !== 'opaque' && response.ok) read.push(`${init.method ?? 'GET'} ${url}`)
        } catch {
          // Refused by the browser or by the server.
        }
      }
      const submit = (enctype: string, url: string, body: string) => {
        const frame = document.createElement('iframe')
        frame.name = `f${Math.random()}`
        const form = document.createElement('form')
        Object.assign(form, { method: 'post', enctype, action: url, target: frame.name })
        const field = document.createElement('input')
        // As text/plain, "name=value" is one line: nearly JSON.
        field.name = body.slice(0, -1) + ',"x":"'
        field.value = '"}'
        form.append(field)
        document.body.append(frame, form)
        const loaded = settled(frame)
        form.submit()
        return Promise.race([loaded, new Promise((resolve) => setTimeout(resolve, 500))])
      }
      for (const url of [opens, messages]) {
        for (const tag of ['img', 'script', 'iframe', 'audio', 'link'] as const) await load(tag, url)
        await new Promise<void>((resolve) => {
          const source = new EventSource(url)
          source.onopen = () => read.push(`EventSource ${url}`)
          source.onmessage = () => read.push(`EventSource ${url}`)
          source.onerror = () => (source.close(), resolve())
          setTimeout(() => (source.close(), resolve()), 1_000)
        })
        await tryFetch(url, {})
        await tryFetch(url, { mode: 'no-cors', headers: { Accept: 'text/event-stream' } })
        for (const body of [hello, call]) {
          await tryFetch(url, { method: 'POST', mode: 'no-cors', body })
          await tryFetch(url, { method: 'POST', body, headers: { 'Content-Type': 'text/plain' } })
          await tryFetch(url, { method: 'POST', body, headers: { 'Content-Type': 'application/json' } })
          navigator.sendBeacon(url, new Blob([body], { type: 'text/plain' }))
          await submit('text/plain', url, body)
          await submit('application/x-www-form-urlencoded', url, body)
        }
        await tryFetch(url, { method: 'DELETE' })
      }
      return read
    },
    { opens, messages },
  )
}

async function health(server: ServerProcess): Promise<any> {
  return (await fetch(`${server.url}/health`)).json()
}

describe.each(transports)('%s', (transport) => {
  test.each(['another site', 'a name of the page that leads to this server'])(
    'a page of %s opens nothing, calls nothing, ends nothing and reads nothing',
    async (which) => {
      const server = await startServer()
      const targets = await targetsOf(server, transport)
      const before = await health(server)
      const rebound = new URL(server.url)
      rebound.hostname = 'rebound.test'
      const page = await foreignPage(which === 'another site' ? await evilSite() : `${rebound.origin}/health`)
      const own = (url: string) =>
        which === 'another site' ? url : url.replace(new URL(url).origin, rebound.origin)
      const read = await attack(page, { opens: own(targets.opens), messages: own(targets.messages) })
      expect(read).toEqual([])
      const after = await health(server)
      expect(after.sessions.opened).toBe(before.sessions.opened)
      expect(after.sessions.open).toBe(before.sessions.open)
      expect(after.limits.streams.used).toBe(before.limits.streams.used)
      const told = targets.session.stream?.events.filter(({ data }) => data.includes('principal')) ?? []
      expect(told).toEqual([])
      expect([server.exit, server.stderr]).toEqual([undefined, ''])
    },
    60_000,
  )
})
