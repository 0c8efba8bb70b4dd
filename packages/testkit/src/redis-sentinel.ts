import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { redisCommand, serverProgram } from './redis-server.ts'
import { until } from './until.ts'

/** A Sentinel of a test, which alone decides. The name of its master is `tidings`. */
export class RedisSentinel {
  readonly port: number
  readonly #folder: string
  readonly #process: ChildProcess

  private constructor(port: number, folder: string, process: ChildProcess) {
    this.port = port
    this.#folder = folder
    this.#process = process
  }

  /**
   * @param master the port of the master.
   * @param downAfterMs the silence of a master after which a replica is promoted.
   */
  static async start(master: number, downAfterMs: number): Promise<RedisSentinel> {
    const port = await freePort()
    const folder = await mkdtemp(join(tmpdir(), 'tidings-sentinel-'))
    // It writes what it finds out to this file.
    const file = join(folder, 'sentinel.conf')
    const lines = [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${folder}`,
      `sentinel monitor tidings 127.0.0.1 ${master} 1`,
      `sentinel down-after-milliseconds tidings ${downAfterMs}`,
      'sentinel failover-timeout tidings 3000',
    ]
    await writeFile(file, `${lines.join('\n')}\n`)
    const sentinel = new RedisSentinel(
      port,
      folder,
      spawn(serverProgram(), [file, '--sentinel'], { stdio: 'ignore' }),
    )
    const knowsReplica = async () =>
      (await sentinel.command('sentinel', 'replicas', 'tidings').catch(() => '')).includes(
        'master-link-status\nok',
      )
    await until(knowsReplica, `The Sentinel on port ${port} knows no replica`, 20_000)
    return sentinel
  }

  /** The port of the master, as it says. */
  async master(): Promise<number> {
    const [, port] = (await this.command('sentinel', 'get-master-addr-by-name', 'tidings')).split('\n')
    return Number(port)
  }

  command(...words: string[]): Promise<string> {
    return redisCommand(this.port, words)
  }

  async close(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const exited = once(this.#process, 'exit')
      this.#process.kill('SIGKILL')
      await exited
    }
    await rm(this.#folder, { recursive: true, force: true })
  }
}
