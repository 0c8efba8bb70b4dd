import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Log } from '@tidings/testkit/log'
import { defer } from '@tidings/testkit/disposers'
import { SseReader } from '@tidings/testkit/sse-reader'
import { McpServer, serve, type ServeOptions } from '../../src/index.ts'
import { start } from '../harness/start.ts'

function socketPath(): string {
  const directory = defer(mkdtempSync(join(tmpdir(), 'tidings-socket-')), (directory) =>
    rmSync(directory, { recursive: true }),
  )
  return join(directory, 'mcp.sock')
}

async function get(
  path: string,
  url: string,
  headers: Record<string, string> = {},
): Promise<IncomingMessage> {
  const request = httpRequest({ socketPath: path, path: url, headers, agent: false }).end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return defer(response, () => response.destroy())
}

const statusOf = async (path: string, headers: Record<string, string>) =>
  (await get(path, '/health', headers)).statusCode

/** The file of a socket whose process has ended without closing it. */
function stale(): string {
  const path = socketPath()
  const listen = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  expect(() => execFileSync(process.execPath, ['-e', listen])).toThrow()
  expect(existsSync(path)).toBe(true)
  return path
}

test('clients are served on a UNIX socket, whose file is gone when it is closed', async () => {
  const path = socketPath()
  const { url, port, close } = await start(() => {}, { path })
  expect([url, port]).toEqual([`unix:${path}`, 0])
  const reader = new SseReader(await get(path, '/sse', { Accept: 'text/event-stream' }))
  expect((await reader.next()).event).toBe('endpoint')
  await close()
  await reader.untilClosed()
  expect(reader.comments.at(-1)).toBe('server stopping')
  expect(existsSync(path)).toBe(false)
})

test('there the loopback names are allowed, as for a port of this machine, or those in allowedHosts', async () => {
  const path = socketPath()
  await start(() => {}, { path })
  for (const Host of ['localhost', 'localhost:80', '127.0.0.1', '[::1]']) {
    expect([Host, await statusOf(path, { Host })]).toEqual([Host, 200])
  }
  expect(await statusOf(path, { Host: 'mcp.example.com' })).toBe(403)
  expect(await statusOf(path, { Host: 'localhost', Origin: 'https://mcp.example.com' })).toBe(403)
  const named = socketPath()
  await start(() => {}, { path: named, allowedHosts: ['mcp.example.com'] })
  expect(await statusOf(named, { Host: 'mcp.example.com', Origin: 'https://mcp.example.com' })).toBe(200)
  expect(await statusOf(named, { Host: 'other.example.com' })).toBe(403)
})

test('a socket file that a process has left behind is replaced, in words', async () => {
  const path = stale()
  const logger = new Log()
  await start(() => {}, { path, logger })
  expect(await statusOf(path, { Host: 'localhost' })).toBe(200)
  expect(logger.of('warn')).toEqual([
    { level: 'warn', message: 'a socket file that a process has left behind is replaced', fields: { path } },
  ])
})

test('a socket that is in use, and a file that is no socket, are left alone', async () => {
  const path = socketPath()
  const server = new McpServer({ name: 'second', version: '0' })
  await start(() => {}, { path })
  await expect(serve(server, { path })).rejects.toThrow('EADDRINUSE')
  expect(await statusOf(path, { Host: 'localhost' })).toBe(200)
  const file = socketPath()
  writeFileSync(file, 'mine')
  await expect(serve(server, { path: file })).rejects.toThrow('EADDRINUSE')
  expect(readFileSync(file, 'utf8')).toBe('mine')
})

test('options that exclude each other, and one of a pair alone, are mistakes that are told at once', async () => {
  const server = new McpServer({ name: 'test', version: '0' })
  const wrong: [object, string][] = [
    [
      { path: '/tmp/a.sock', port: 3000 },
      'path is the socket to listen on: leave out port and host, or path',
    ],
    [{ path: '/tmp/a.sock', host: '0.0.0.0' }, 'path is the socket to listen on'],
    [{ path: '' }, 'path must be the name of a socket file, such as /run/mcp.sock, got ""'],
    [{ path: 7 }, 'path must be the name of a socket file, such as /run/mcp.sock, got 7'],
    [{ key: 'k' }, 'key and cert belong together: cert is missing'],
    [{ cert: 'c' }, 'key and cert belong together: key is missing'],
  ]
  for (const [options, message] of wrong) {
    await expect(serve(server, options as ServeOptions)).rejects.toThrow(message)
  }
  await expect(serve(server, { key: 'k', cert: 'c' })).rejects.toThrow(/PEM|no start line/i)
})
