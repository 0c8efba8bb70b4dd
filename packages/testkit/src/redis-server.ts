import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from './free-port.ts'
import { until } from './until.ts'

/** What a Redis server keeps on disk: each write, what it had when it was shut down, or nothing. */
export type Persistence = 'aof' | 'rdb' | 'none'

const installed = (...names: string[]) =>
  names.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0)

const findServer = () => process.env['REDIS_SERVER'] || installed('redis-server', 'valkey-server')

/**
 * The program of the server: that of the environment variable `REDIS_SERVER`, or an installed one.
 *
 * @throws when there is none.
 */
export function serverProgram(): string {
  const program = findServer()
  if (program === undefined) throw new Error('redis-server is not installed: apt-get install redis-server')
  return program
}

/** Runs a command of `redis-cli`, and gives its output. */
export async function redisCommand(port: number, words: readonly string[]): Promise<string> {
  const program = installed('redis-cli', 'valkey-cli') ?? 'redis-cli'
  const { stdout } = await promisify(execFile)(program, ['-p', String(port), ...words])
  return stdout.trimEnd()
}

/** What the Redis or Valkey of the tests calls itself, and its version; undefined when none is installed. */
export function redisVersion(): string | undefined {
  const program = findServer()
  if (program === undefined) return undefined
  const text = spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout
  return /^(\w+) server v=(\S+)/.exec(text)?.slice(1).join(' ') ?? text.trim()
}

/** A Redis or Valkey server of a test, on a free port and in a folder of its own. */
export class RedisServer {
  readonly port: number
  readonly #folder: string
  readonly #persistence: Persistence
  readonly #settings: Record<string, string>
  #process: ChildProcess | undefined

  private constructor(
    port: number,
    folder: string,
    persistence: Persistence,
    settings: Record<string, string>,
  ) {
    this.#settings = settings
    this.port = port
    this.#folder = folder
    this.#persistence = persistence
  }

  /**
   * @param replicaOf the port of its master.
   * @param settings of redis.conf.
   */
  static async start({
    persistence = 'none',
    replicaOf,
    settings = {},
  }: {
    persistence?: Persistence
    replicaOf?: number
    settings?: Record<string, string>
  } = {}): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), 'tidings-redis-'))
    const server = new RedisServer(await freePort(), folder, persistence, settings)
    await server.start()
    if (replicaOf !== undefined) await server.replicate(replicaOf)
    return server
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** Runs a command of `redis-cli`, and gives its output. */
  command(...words: string[]): Promise<string> {
    return redisCommand(this.port, words)
  }

  /** Starts it again, with what it has kept. */
  async start(): Promise<void> {
    const args = [
      ...['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#folder, '--save', ''],
      ...['--appendonly', this.#persistence === 'aof' ? 'yes' : 'no', '--appendfsync', 'always'],
      ...['--repl-diskless-sync-delay', '0'],
      ...Object.entries(this.#settings).flatMap(([name, value]) => [`--${name}`, value]),
    ]
    this.#process = spawn(serverProgram(), args, { stdio: 'ignore' })
    await until(
      async () => (await this.command('ping').catch(() => '')) === 'PONG',
      `redis-server does not answer on port ${this.port}`,
    )
  }

  /** Shuts it down in good order. It keeps what its persistence says. */
  async stop(): Promise<void> {
    await this.#end(() => this.command('shutdown', this.#persistence === 'rdb' ? 'save' : 'nosave'))
  }

  /** Ends it without a warning. */
  async kill(): Promise<void> {
    await this.#end(() => this.signal('SIGKILL'))
  }

  /** Removes what it has kept on disk. It must have been ended. */
  async erase(): Promise<void> {
    for (const name of await readdir(this.#folder)) await rm(join(this.#folder, name), { recursive: true })
  }

  /** Such as `SIGSTOP`, which leaves its connections open. */
  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal)
  }

  /** Follows a master, until it is promoted. */
  async replicate(port: number): Promise<void> {
    await this.command('replicaof', '127.0.0.1', String(port))
    const isLinked = async () => (await this.command('info', 'replication')).includes('master_link_status:up')
    await until(isLinked, 'the replica has not reached its master')
  }

  async promote(): Promise<void> {
    await this.command('replicaof', 'no', 'one')
  }

  async close(): Promise<void> {
    await this.#end(() => this.signal('SIGKILL'))
    await rm(this.#folder, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #end(how: () => unknown): Promise<void> {
    const running = this.#process
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
    const exited = once(running, 'exit')
    await how()
    await exited
  }
}
