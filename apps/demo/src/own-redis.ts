import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

const howToInstall = `The demo on several nodes needs Redis. Install it,
  on Debian or Ubuntu:  sudo apt-get install redis-server
  on macOS:             brew install redis
or run it in Docker:    docker run --rm -p 6379:6379 redis:7
                        REDIS_URL=redis://localhost:6379 npx -y pnpm@12.21.0 demo:cluster`

/** Starts a Redis that keeps nothing on disk, on a free port. Throws when it is not installed, and says how to. */
export async function startRedis(): Promise<{ url: string; process: ChildProcess }> {
  const port = await freePort()
  const settings = { port: String(port), bind: '127.0.0.1', save: '', appendonly: 'no' }
  const redis = spawn(
    'redis-server',
    Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let printed = ''
  await new Promise<void>((resolve, reject) => {
    redis.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ENOENT' ? new Error(howToInstall) : error),
    )
    redis.once('exit', (code) => reject(new Error(`redis-server has ended with ${code}:\n${printed}`)))
    redis.stdout.setEncoding('utf8').on('data', (text: string) => {
      // Read to the end, or it stops at a full pipe; remembered only until it runs.
      if (printed.includes('Ready to accept connections')) return
      printed += text
      if (printed.includes('Ready to accept connections')) resolve()
    })
  })
  return { url: `redis://127.0.0.1:${port}`, process: redis }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
