// The demo: a server with resources that really change, and the page that shows them.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RedisBackplane } from '@tidings/redis'
import { McpServer, mcp } from '@tidings/server'
import Koa from 'koa'
import { pino } from 'pino'
import { askName } from './ask-name.ts'
import { clock } from './clock.ts'
import { countdown } from './countdown.ts'
import { counter } from './counter.ts'
import { nodeInfo } from './node-info.ts'
import { notes } from './notes.ts'
import { page } from './page.ts'
import { RedisState } from './redis-state.ts'
import { LocalState } from './shared-state.ts'
import { system } from './system.ts'

const { PORT, HOST, NOTES_DIR, LOG_LEVEL, REDIS_URL, NODE_NAME, ALLOWED_HOSTS } = process.env
const notesPath = NOTES_DIR || fileURLToPath(new URL('../notes', import.meta.url))
const fromHere = relative(process.cwd(), notesPath)
const shownPath = fromHere.startsWith('..') ? notesPath : fromHere
const packageJson = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
const { version } = JSON.parse(packageJson) as { version: string }

async function start() {
  // Standard output holds one line, the address of the server.
  const logger = pino({ level: LOG_LEVEL || 'warn' }, pino.destination(2))
  // With Redis this is a node of several, which are one to their clients.
  const backplane = REDIS_URL
    ? new RedisBackplane({ url: REDIS_URL }, { namespace: 'tidings-demo', logger })
    : undefined
  const onLost = (err: Error) => logger.warn({ err }, 'the connection to Redis is lost')
  const state = REDIS_URL ? await RedisState.connect(REDIS_URL, onLost) : new LocalState()
  const server = new McpServer(
    { name: 'tidings-demo', title: 'Tidings demo', version },
    {
      instructions: `The notes are the Markdown files in ${shownPath}. Edit one in your editor, and every client that watches it hears of it at once.`,
      logger,
      ...(backplane && { backplane }),
    },
  )
  const stopping = new AbortController()
  await notes(server, notesPath, { state, signal: stopping.signal, logger })
  const onError = (err: unknown) => logger.warn({ err }, 'a value could not be brought up to date')
  const ticking = { state, signal: stopping.signal, onError }
  system(server, ticking)
  clock(server, ticking)
  counter(server, state)
  countdown(server)
  askName(server)

  const app = new Koa()
  app.on('error', (err: Error) => logger.error({ err }, 'request failed'))
  if (REDIS_URL) app.use(nodeInfo(NODE_NAME || 'node'))
  app.use(page(new URL('page/', import.meta.url)))
  // A question asked by one node may be answered to another.
  const requestStateSecret = await state.setIfMissing('secret', randomBytes(32).toString('hex'))
  const allowedHosts = ALLOWED_HOSTS?.split(',').filter((host) => host !== '')
  app.use(mcp(server, { logger, requestStateSecret, ...(allowedHosts?.length && { allowedHosts }) }))
  const http = app.listen(Number(PORT || 3000), HOST || '127.0.0.1')
  await once(http, 'listening')
  const { address, family, port } = http.address() as AddressInfo
  process.send?.({ port })
  console.log(`Tidings demo on http://${family === 'IPv6' ? `[${address}]` : address}:${port}`)

  async function stop() {
    stopping.abort()
    const closed = once(http, 'close')
    http.close()
    await server.close()
    await backplane?.close()
    state.close()
    http.closeIdleConnections()
    const cut = setTimeout(() => http.closeAllConnections(), 1000)
    await closed
    clearTimeout(cut)
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop().catch(fail))
  // Without the program that started it, no balancer leads to this node.
  if (process.send) process.once('disconnect', () => void stop().catch(fail))
}

function fail(error: unknown) {
  const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
  const advice = isTaken ? '. Set PORT to another port, or to 0 for a free one.' : ''
  console.error(`Tidings demo: ${error instanceof Error ? error.message : String(error)}${advice}`)
  process.exit(1)
}

start().catch(fail)
