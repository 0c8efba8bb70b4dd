import { type ChildProcess, spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { connect } from '@tidings/client'
import { Balancer } from '@tidings/testkit/balancer'
import { defer } from '@tidings/testkit/disposers'
import { freePort } from '@tidings/testkit/free-port'
import { RedisServer } from '@tidings/testkit/redis-server'
import { until } from '@tidings/testkit/until'

import.meta.jest.setTimeout(60_000)

/** Runs the program of the README on its own port. */
async function startServer(program: string, redisUrl: string): Promise<{ port: number; node: ChildProcess }> {
  const port = await freePort()
  const file = fileURLToPath(new URL(`../dist/readme-${port}.mjs`, import.meta.url))
  await writeFile(
    file,
    program.replace('redis://localhost:6379', redisUrl).replace('port: 3000', `port: ${port}`),
  )
  const node = spawn(process.execPath, [file], { stdio: ['ignore', 'ignore', 'inherit'] })
  defer(node, () => node.kill('SIGKILL'))
  const isUp = () =>
    fetch(`http://127.0.0.1:${port}/health`).then(
      ({ ok }) => ok,
      () => false,
    )
  await until(isUp, 'the server')
  return { port, node }
}

test('two servers of the README are one: a session goes on when its server is killed', async () => {
  const readme = await readFile(new URL('../../../README.md', import.meta.url), 'utf8')
  const program = [...readme.matchAll(/^```js\n([\s\S]*?)^```$/gm)]
    .map(([, text]) => text!)
    .find((text) => text.includes('RedisBackplane'))!
  const redis = defer(await RedisServer.start(), (server) => server.close())
  const servers = [await startServer(program, redis.url), await startServer(program, redis.url)]
  const balancer = defer(await Balancer.start(servers.map(({ port }) => port)), (each) => each.close())
  const client = await connect(`${balancer.url}/mcp`, { transport: 'streamable-http' })
  defer(client, (each) => each.close())
  for (let i = 0; i < 4; i++) expect(await client.listResources()).toHaveLength(1)
  servers[0]!.node.kill('SIGKILL')
  balancer.targets = [servers[1]!.port]
  await until(
    () =>
      client.listResources().then(
        (resources) => resources.length === 1,
        () => false,
      ),
    'it goes on',
  )
  const health = await fetch(`http://127.0.0.1:${servers[1]!.port}/health`)
  expect(((await health.json()) as { sessions: { open: number } }).sessions.open).toBe(1)
})
