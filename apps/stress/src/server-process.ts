import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ServeOptions } from '@tidings/server'
import type { Commands, Reply, Request } from './commands.ts'
import { post } from './wire/post.ts'

/** What `/health` says. */
export interface Health {
  status: string
  connected_clients: number
  sessions: { open: number; opened: number; resumed: number; refused: number; ended: Record<string, number> }
  limits: Record<string, { used: number; max: number | null }>
  refused: Record<string, number>
  write_timeouts: number
}

/** The options of a server that can be given to another process. */
export type StressServerOptions = Pick<
  ServeOptions,
  'port' | 'resumeWithinMs' | 'idleTimeoutMs' | 'keepAliveMs' | 'writeTimeoutMs' | 'limits'
>

/** A server in a process of its own. */
export class ServerProcess {
  readonly port: number
  /** How it has exited: by a status or a signal. */
  readonly exited: Promise<string>
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (result: unknown) => void>()
  #lastId = 0

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
    this.exited = exitOf(child)
    child.on('message', (reply: Reply) => {
      if (!('id' in reply)) return
      this.#waiting.get(reply.id)?.(reply.result)
      this.#waiting.delete(reply.id)
    })
  }

  /**
   * Starts the built server, and waits until it listens.
   *
   * @param heapMiB the size at which its heap ends it.
   */
  static async start(
    options: StressServerOptions = {},
    { heapMiB }: { heapMiB?: number } = {},
  ): Promise<ServerProcess> {
    const path = fileURLToPath(new URL('./server.js', import.meta.url))
    const heap = heapMiB === undefined ? [] : [`--max-old-space-size=${heapMiB}`]
    const child = fork(path, [JSON.stringify(options)], { execArgv: ['--expose-gc', ...heap] })
    const killed = () => child.kill('SIGKILL')
    process.once('exit', killed)
    child.once('exit', () => process.off('exit', killed))
    const listening = new Promise<number>((resolve) =>
      child.once('message', (reply: Reply) => 'port' in reply && resolve(reply.port)),
    )
    const early = exitOf(child).then((how): never => {
      throw new Error(`The server exited (${how}) before it listened`)
    })
    return new ServerProcess(child, await Promise.race([listening, early]))
  }

  /** Has it do something. */
  async tell<Name extends keyof Commands>(
    name: Name,
    params: Commands[Name]['params'],
  ): Promise<Commands[Name]['result']> {
    const id = ++this.#lastId
    const answered = new Promise<unknown>((resolve) => this.#waiting.set(id, resolve))
    const request: Request = { id, name, params }
    this.#child.send(request)
    const died = this.exited.then((how): never => {
      throw new Error(`The server exited (${how}) before it had done ${name}`)
    })
    return (await Promise.race([answered, died])) as Commands[Name]['result']
  }

  async health(): Promise<Health> {
    const { body } = await post({
      port: this.port,
      path: '/health',
      method: 'GET',
      headers: { Accept: '*/*' },
    })
    return JSON.parse(body) as Health
  }

  /** Sends it a signal, and resolves with how it has exited. */
  async kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<string> {
    this.#child.kill(signal)
    return this.exited
  }
}

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => child.once('exit', (status, signal) => resolve(String(status ?? signal))))
}
