import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { connect, type TransportName } from '@tidings/client'
import { defer } from '@tidings/testkit/disposers'
import { freePort } from '@tidings/testkit/free-port'
import { until } from '@tidings/testkit/until'

import.meta.jest.setTimeout(60_000)

const cores = availableParallelism()

/** The processes that a process has started. */
const childrenOf = ({ pid }: ChildProcess): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)

/** Runs the program of the README, on a free port. */
async function startWorkers(): Promise<{ url: string; primary: ChildProcess }> {
  const readme = await readFile(new URL('../../../packages/server/README.md', import.meta.url), 'utf8')
  const program = [...readme.matchAll(/^```js\n([\s\S]*?)^```$/gm)]
    .map(([, text]) => text!)
    .find((text) => text.includes('ClusterBackplane'))!
  const port = await freePort()
  const file = fileURLToPath(new URL('../dist/readme-workers.mjs', import.meta.url))
  await writeFile(file, program.replace('port: 3000', `port: ${port}`))
  const primary = spawn(process.execPath, [file], { stdio: ['ignore', 'ignore', 'inherit'] })
  defer(primary, async () => {
    const workers = childrenOf(primary)
    primary.kill('SIGKILL')
    await once(primary, 'exit')
    await until(() => workers.every((pid) => !isAlive(pid)), 'a worker has outlived its primary')
  })
  const url = `http://127.0.0.1:${port}`
  await until(() => knowEachOther(url, cores), 'the workers')
  return { url, primary }
}

/** True when so many workers know each other. */
async function knowEachOther(url: string, count: number): Promise<boolean> {
  const health = await fetch(`${url}/health`, { signal: AbortSignal.timeout(1_000) }).then(
    (response) => response.json() as Promise<{ backplane: { nodes: number } }>,
    () => undefined,
  )
  return health?.backplane.nodes === count
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const transports: TransportName[] = ['http+sse', 'paired', 'streamable-http', 'stateless']

test.each(transports)(
  'over %s the workers of the README are one, and a session outlives its worker',
  async (transport) => {
    const { url, primary } = await startWorkers()
    const path = transport === 'http+sse' || transport === 'paired' ? '/sse' : '/mcp'
    const client = defer(await connect(url + path, { transport }), (each) => each.close())
    for (let i = 0; i < 10; i++) expect(await client.listResources()).toHaveLength(1)
    let told = 0
    client.on('notifications/resources/updated', () => void told++)
    await client.subscribe('clock://now')
    await until(() => told > 0, 'a change')
    for (const pid of childrenOf(primary)) {
      process.kill(pid, 'SIGKILL')
      await until(() => !isAlive(pid), 'it has ended')
      const before = told
      await until(() => told > before, 'a change after it')
      expect(await client.listResources()).toHaveLength(1)
      // The next is killed when this one has a successor.
      await until(() => knowEachOther(url, cores), 'its successor')
    }
  },
)

test('a worker that stands still is gone for as long, and goes on with what it has left', async () => {
  const { url, primary } = await startWorkers()
  const client = defer(await connect(`${url}/mcp`, { transport: 'streamable-http' }), (each) => each.close())
  const heard: string[] = []
  client.on('notifications/resources/updated', ({ uri }) => void heard.push(uri))
  await client.subscribe('clock://now')
  const states: string[] = []
  client.on('state', ({ state }) => void states.push(state))
  for (const pid of childrenOf(primary)) {
    process.kill(pid, 'SIGSTOP')
    await until(() => knowEachOther(url, cores - 1), 'its end')
    process.kill(pid, 'SIGCONT')
    await until(() => knowEachOther(url, cores), 'its return')
    const before = heard.length
    await until(() => heard.length > before, 'a change after it')
    expect(await client.listResources()).toHaveLength(1)
  }
  expect(states).not.toContain('closed')
})
