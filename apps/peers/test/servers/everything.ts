import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { freePort } from '@tidings/testkit/free-port'
import { eventually } from '../eventually.ts'
import type { PeerClient } from '../peer-client.ts'
import type { Offers, ServerKind } from '../peer-server.ts'

const main = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/dist/index.js')

const offers: Offers = {
  add: { tool: 'get-sum', args: { a: 2, b: 3 }, says: '5' },
  steps: {
    tool: 'trigger-long-running-operation',
    args: { duration: 0.06, steps: 3 },
    says: 'completed',
    heard: [1, 2, 3],
  },
  greet: { tool: 'trigger-elicitation-request', args: {}, says: 'Ada' },
  resource: { uri: 'demo://resource/dynamic/text/7', says: 'Resource 7' },
}

export const everythingSse = everything('sse', '/sse')
export const everythingStreamable = everything('streamableHttp', '/mcp')

/** `@modelcontextprotocol/server-everything`, as it comes. */
function everything(mode: 'sse' | 'streamableHttp', path: string): ServerKind {
  return {
    name: `server-everything ${mode}`,
    revision: '2025-11-25',
    async start() {
      const port = await freePort()
      const child = spawn(process.execPath, [main, mode], {
        env: { ...process.env, PORT: String(port) },
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      for await (const line of createInterface(child.stderr)) if (line.includes(`on port ${port}`)) break
      child.stderr.resume()
      return {
        port,
        path,
        offers,
        async change(client) {
          await eventually(5_000, () => startUpdates(client))
          return offers.resource.says
        },
        async addResource(client) {
          await client.call('gzip-file-as-resource', { name: 'added', data: 'data:text/plain,added' })
          return 'demo://resource/session/added'
        },
        async close() {
          child.kill('SIGKILL')
          await once(child, 'exit')
        },
      }
    },
  }
}

/** Its resources change every 5 seconds for a session that has called this, and at once. Called again, it stops. */
async function startUpdates(client: PeerClient): Promise<void> {
  let answer: string
  do answer = await client.call('toggle-subscriber-updates', {})
  while (!answer.startsWith('Started'))
}
