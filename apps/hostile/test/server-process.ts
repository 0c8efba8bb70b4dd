import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ServeOptions } from '@tidings/server'
import { defer } from '@tidings/testkit/disposers'

/** The server that hostile clients are let loose on. */
export interface ServerProcess {
  readonly url: string
  /** What it has written to stderr: nothing, as long as nothing escapes it. */
  readonly stderr: string
  /** How it has exited, undefined while it runs. */
  readonly exit: string | undefined
  /** Announces a change of the resource. */
  changed(uri: string): void
  end(): void
}

/** Starts the server in a process of its own. It is ended after the test. */
export async function startServer(options?: Omit<ServeOptions, 'principal'>): Promise<ServerProcess> {
  return defer(await spawnServer(options), (server) => server.end())
}

/** Starts the server in a process of its own, for several tests. */
export async function spawnServer(options: Omit<ServeOptions, 'principal'> = {}): Promise<ServerProcess> {
  const child: ChildProcess = fork(
    fileURLToPath(new URL('../dist/server.js', import.meta.url)),
    [JSON.stringify(options)],
    {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    },
  )
  let stderr = ''
  let exit: string | undefined
  child.stderr!.on('data', (text: Buffer) => (stderr += String(text)))
  child.once('exit', (code, signal) => (exit = signal ?? String(code)))
  const started = once(child, 'message') as Promise<[{ url: string }]>
  const [{ url }] = await Promise.race([
    started,
    once(child, 'exit').then(() => Promise.reject(new Error(`The server did not start: ${stderr}`))),
  ])
  return {
    url,
    get stderr() {
      return stderr
    },
    get exit() {
      return exit
    },
    changed: (uri: string) => void child.send(uri),
    end: () => void child.kill('SIGKILL'),
  }
}
