import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Client, TransportName } from '@tidings/client'
import { McpServer, serve } from '@tidings/server'
import { selfSigned } from '@tidings/testkit/certificate'
import { build } from 'esbuild'
import type { Browser } from 'playwright-core'
import { launchBrowser } from './browser.ts'

/** A client in the page, and what it has heard. */
interface Watching {
  transport: TransportName
  client: Client
  heard: number
}

declare global {
  interface Window {
    connect: (url: string, options: { transport: TransportName }) => Promise<Client>
    watching: Watching[]
  }
}

const uri = 'test://counter'
const transports: TransportName[] = ['http+sse', 'paired', 'streamable-http', 'stateless']
const streams = 50

let browser: Browser

beforeAll(async () => {
  browser = await launchBrowser()
})

afterAll(async () => {
  await browser?.close()
})

/** Our client for a page that has nothing of ours on it. */
async function clientScript(): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: "import { connect } from '@tidings/client'; window.connect = connect",
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    target: 'es2022',
  })
  return outputFiles[0]!.text
}

test(`${streams} streams in one tab, over one TLS connection, by every transport`, async () => {
  const server = new McpServer({ name: 'test', version: '0' })
  const counter = server.resource(uri, {}, () => 'a')
  server.tool('double', { input: { type: 'object' } }, ({ n }) => ({
    structuredContent: { result: Number(n) * 2 },
  }))
  await using serving = await serve(server, selfSigned())
  const { url, http } = serving
  const connections = { http2: 0, http1: 0, streams: 0 }
  http.on('session', (session) => {
    connections.http2++
    session.on('stream', () => connections.streams++)
  })
  http.on('request', ({ httpVersionMajor }) => {
    if (httpVersionMajor === 1) connections.http1++
  })

  const context = await browser.newContext({ ignoreHTTPSErrors: true })
  const page = await context.newPage()
  await page.goto(`${url}/health`)
  await page.addScriptTag({ content: await clientScript() })
  const results = await page.evaluate(
    async ({ url, uri, transports, streams }) => {
      performance.setResourceTimingBufferSize(10_000)
      window.watching = []
      const names = Array.from({ length: streams }, (_, index) => transports[index % transports.length]!)
      return Promise.all(
        names.map(async (transport, n) => {
          const isSse = transport === 'http+sse' || transport === 'paired'
          const client = await window.connect(url + (isSse ? '/sse' : '/mcp'), { transport })
          const watching = { transport, client, heard: 0 }
          window.watching.push(watching)
          client.on('notifications/resources/updated', () => watching.heard++)
          await client.subscribe(uri)
          // While all streams are open.
          const { structuredContent } = await client.callTool('double', { n })
          return (structuredContent as { result: number }).result
        }),
      )
    },
    { url, uri, transports, streams },
  )
  expect(results).toEqual(Array.from({ length: streams }, (_, n) => n * 2))
  const health = (await (await page.request.get(`${url}/health`)).json()) as {
    connected_clients: number
    limits: { streams: { used: number } }
  }
  expect([health.connected_clients, health.limits.streams.used]).toEqual([streams, streams])

  counter.changed()
  await page.waitForFunction(() => window.watching.every(({ heard }) => heard === 1))

  // Streams have no entry before they end: these are the requests.
  const protocols = await page.evaluate(() => {
    const entries = performance.getEntriesByType('resource') as PerformanceResourceTiming[]
    return [...new Set(entries.map(({ nextHopProtocol }) => nextHopProtocol))]
  })
  expect(protocols).toEqual(['h2'])
  // What asked for /health above is no part of the page, and has no HTTP/2.
  expect(connections).toMatchObject({ http2: 1, http1: 1 })
  expect(connections.streams).toBeGreaterThan(streams * 3)

  const picture = join(process.env.TIDINGS_EVIDENCE ?? tmpdir(), 'tidings-http2.png')
  await page.evaluate(
    ({ protocols, connections }) => {
      const rows = window.watching.map(
        ({ transport, heard }, index) => `${index + 1}. ${transport}: heard ${heard} change`,
      )
      const title = `${rows.length} clients in this tab, each with an open stream. ${connections.http2} TLS connection, ${connections.streams} HTTP/2 streams so far (${protocols.join()})`
      document.body.innerHTML = '<h3></h3><pre style="columns: 3"></pre>'
      document.querySelector('h3')!.textContent = title
      document.querySelector('pre')!.textContent = rows.join('\n')
    },
    { protocols, connections },
  )
  await page.screenshot({ path: picture })
  console.log(`The tab with its ${streams} streams: ${picture}`)
  await context.close()
}, 60_000)
