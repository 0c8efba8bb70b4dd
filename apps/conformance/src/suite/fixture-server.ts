import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { freePort } from '@tidings/testkit/free-port'

/** The fixture server, running as its own process. */
export interface FixtureServer {
  /** Such as `http://localhost:20000`. The suite wants a server on localhost, by that name. */
  url: string
  /** Stops it. @throws {Error} it does not end as it should, or has ended before. */
  stop(): Promise<void>
}

/** Starts the built fixture server, and waits until it listens. */
export async function startFixtureServer(): Promise<FixtureServer> {
  const port = await freePort()
  const child = spawn(process.execPath, [fileURLToPath(new URL('./server.js', import.meta.url))], {
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  process.once('exit', () => child.kill('SIGKILL'))
  const exited = once(child, 'exit').then(([status, signal]) => String(status ?? signal))
  const lines = createInterface(child.stdout)
  const first = await Promise.race([once(lines, 'line').then(() => undefined), exited])
  if (first !== undefined) throw new Error(`The fixture server exited (${first}) before it listened`)

  return {
    url: `http://localhost:${port}`,
    async stop() {
      if (child.exitCode !== null) throw new Error(`The fixture server had exited (${child.exitCode})`)
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
      const status = await exited
      clearTimeout(timer)
      if (status !== '0') throw new Error(`The fixture server did not stop well (${status})`)
    },
  }
}
