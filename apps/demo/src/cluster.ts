// The demo on three nodes: Redis, a balancer, and a page with a button that kills the node it is on.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { Balancer } from './balancer.ts'
import { startRedis } from './own-redis.ts'

const nodeCount = 3
// The time after which a killed node is started again, in milliseconds.
const restartMs = 5_000
// The time that nodes have to end in, in milliseconds: longer than a server waits for its calls.
const stopMs = 8_000

const { PORT, HOST, REDIS_URL } = process.env
const balancer = new Balancer()
const nodes = new Map<number, ChildProcess>()
let redis: ChildProcess | undefined
let isStopping = false

/** Starts a node. Resolves when the balancer knows it; rejects when it ends before. */
async function startNode(name: string, redisUrl: string): Promise<void> {
  const node = fork(fileURLToPath(new URL('server.js', import.meta.url)), {
    env: { ...process.env, REDIS_URL: redisUrl, PORT: '0', HOST: '127.0.0.1', NODE_NAME: name },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  await once(node, 'spawn')
  const pid = node.pid!
  nodes.set(pid, node)
  const { port } = await new Promise<{ port: number }>((resolve, reject) => {
    node.once('message', resolve)
    node.once('exit', (code) => {
      nodes.delete(pid)
      reject(new Error(`${name} has ended with ${code} before it served anybody`))
    })
  })
  console.log(`${name} is process ${pid}`)
  balancer.ports.push(port)
  node.on('message', ({ kill }: { kill: number }) => nodes.get(kill)?.kill('SIGKILL'))
  node.once('exit', (code, signal) => {
    balancer.ports = balancer.ports.filter((other) => other !== port)
    if (isStopping) return
    console.log(
      `${name}, process ${pid}, has ended by ${signal ?? code}. It starts again in ${restartMs / 1000} s.`,
    )
    setTimeout(() => {
      if (!isStopping) startNode(name, redisUrl).catch(fail)
    }, restartMs)
  })
}

async function start(): Promise<void> {
  let redisUrl = REDIS_URL
  if (!redisUrl) {
    const own = await startRedis()
    redisUrl = own.url
    redis = own.process
    redis.once('exit', (code, signal) => fail(new Error(`Redis has ended by ${signal ?? code}`)))
  }
  for (let i = 1; i <= nodeCount; i++) await startNode(`node ${i}`, redisUrl)
  const host = HOST || '127.0.0.1'
  balancer.server.listen(Number(PORT || 3000), host)
  await once(balancer.server, 'listening')
  const { port } = balancer.server.address() as AddressInfo
  console.log(`Tidings demo on ${nodeCount} nodes: http://${host.includes(':') ? `[${host}]` : host}:${port}`)
  console.log('Open it and press "Kill this node": the values go on moving. Ctrl-C stops everything.')
}

async function stop(code: number): Promise<void> {
  if (isStopping) return
  isStopping = true
  const ended = async (child: ChildProcess) => {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }
  const cut = setTimeout(() => {
    for (const node of nodes.values()) node.kill('SIGKILL')
  }, stopMs)
  for (const node of nodes.values()) node.kill('SIGTERM')
  await Promise.all([...nodes.values()].map(ended))
  clearTimeout(cut)
  // The nodes have handed over what they can: Redis ends last.
  if (redis?.kill('SIGTERM')) await ended(redis)
  process.exit(code)
}

function fail(error: Error & { code?: string }): void {
  if (isStopping) return
  const advice = error.code === 'EADDRINUSE' ? '. Set PORT to another port, or to 0 for a free one.' : ''
  console.error(`Tidings demo: ${error.message}${advice}`)
  void stop(1)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop(0))
start().catch(fail)
