// The demo on three nodes: Redis, a balancer, and a page with a button that kills the node it is on.
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { Balancer } from './balancer.ts'

const nodeCount = 3
/** The time after which a killed node is started again. */
const restartMs = 5_000
const { PORT, HOST, REDIS_URL } = process.env
const howToInstall = `The demo on several nodes needs Redis. Install it,
  on Debian or Ubuntu:  apt-get install redis-server
  on macOS:             brew install redis
or name one that runs:  REDIS_URL=redis://localhost:6379 pnpm demo:cluster`

const children = new Set<ChildProcess>()
let isStopping = false

/** Starts a Redis of the demo's own, that keeps nothing on disk. Gives its URL. */
async function startRedis(): Promise<string> {
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const redis = spawn('redis-server', args, { stdio: 'ignore' })
  const failed = once(redis, 'error').then(([error]) => {
    throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? new Error(howToInstall) : (error as Error)
  })
  await Promise.race([once(redis, 'spawn'), failed])
  failed.catch(() => {})
  children.add(redis)
  redis.once('exit', (code) => {
    if (!isStopping) fail(new Error(`Redis has ended with ${code}`))
  })
  return `redis://127.0.0.1:${port}`
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function startNode(name: string, redisUrl: string, balancer: Balancer): Promise<void> {
  const node = fork(fileURLToPath(new URL('server.js', import.meta.url)), {
    env: { ...process.env, REDIS_URL: redisUrl, PORT: '0', HOST: '127.0.0.1', NODE_NAME: name },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  children.add(node)
  let port: number | undefined
  node.on('message', (message: { port?: number; kill?: number }) => {
    if (message.port !== undefined) balancer.ports.push((port = message.port))
    if (message.kill === undefined) return
    const victim = [...children].find(({ pid, connected }) => pid === message.kill && connected)
    victim?.kill('SIGKILL')
  })
  node.once('exit', (code, signal) => {
    children.delete(node)
    balancer.ports = balancer.ports.filter((other) => other !== port)
    if (isStopping) return
    console.log(
      `${name} (process ${node.pid}) has ended by ${signal ?? code}, and comes back in ${restartMs / 1000} s`,
    )
    setTimeout(() => !isStopping && void startNode(name, redisUrl, balancer), restartMs)
  })
  await Promise.race([once(node, 'message'), once(node, 'exit')])
  if (port !== undefined) console.log(`${name} runs as process ${node.pid}`)
}

async function start(): Promise<void> {
  const redisUrl = REDIS_URL || (await startRedis())
  const balancer = new Balancer()
  for (let i = 1; i <= nodeCount; i++) await startNode(`node ${i}`, redisUrl, balancer)
  const host = HOST || '127.0.0.1'
  balancer.server.listen(Number(PORT || 3000), host)
  await Promise.race([
    once(balancer.server, 'listening'),
    once(balancer.server, 'error').then(([error]) => Promise.reject(error as Error)),
  ])
  const { port } = balancer.server.address() as AddressInfo
  console.log(`Tidings demo on ${nodeCount} nodes, on http://${host}:${port}`)
  console.log('Open it, and kill the node that the page is on: the values go on moving.')
}

function stop(code = 0): void {
  if (isStopping) return
  isStopping = true
  setTimeout(() => process.exit(code), 5_000).unref()
  // The nodes first: they hand their sessions over, and leave.
  const nodes = [...children].filter(({ connected }) => connected)
  for (const node of nodes) node.kill()
  void Promise.all(nodes.map((node) => once(node, 'exit'))).then(() => {
    for (const child of children) child.kill()
    process.exit(code)
  })
}

function fail(error: Error): void {
  console.error(`Tidings demo: ${error.message}`)
  stop(1)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop())
start().catch(fail)
