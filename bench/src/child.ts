import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Answer, Question } from './parent.ts'

/** A process of the benchmark: a server, a client, or the load. */
export class Child {
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>()
  #lastId = 0

  private constructor(program: string, process: ChildProcess) {
    this.#process = process
    process.on('message', ({ id, value, error }: Answer) => {
      const waiting = this.#waiting.get(id!)
      this.#waiting.delete(id!)
      if (error === undefined) waiting?.resolve(value as never)
      else waiting?.reject(new Error(`${program}: ${error}`))
    })
    process.once('exit', (status, signal) => {
      for (const { reject } of this.#waiting.values())
        reject(new Error(`${program} exited (${status ?? signal})`))
      this.#waiting.clear()
    })
  }

  /**
   * Starts a built program, and waits until it is ready.
   *
   * @param program such as `servers/floor`.
   * @throws {Error} when it exits before that.
   */
  static async start(program: string, args: string[] = []): Promise<Child> {
    // Seen alike from src and from dist, where the programs are.
    const file = fileURLToPath(new URL(`../dist/${program}.js`, import.meta.url))
    const forked = fork(file, args, {
      execArgv: ['--expose-gc'],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    return Child.of(program, forked)
  }

  /** Waits until a process that was started is ready. */
  static async of(program: string, forked: ChildProcess): Promise<Child> {
    const exited = once(forked, 'exit').then(([status]) => {
      throw new Error(`${program} exited (${status}) before it was ready`)
    })
    await Promise.race([ready(forked), exited])
    exited.catch(() => {})
    return new Child(program, forked)
  }

  /** Has the child do a task of its own, and gives the result. */
  ask<Result = void>(task: string, argument?: unknown): Promise<Result> {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId
      this.#waiting.set(id, { resolve, reject })
      this.#process.send({ id, task, argument } satisfies Question)
    })
  }

  /** Ends it at once. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const exited = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await exited
  }
}

/** Waits for the answer without an id. A worker of node:cluster sends other messages, too. */
function ready(process: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    const onMessage = (message: object) => {
      if (Object.keys(message).length > 0) return
      process.off('message', onMessage)
      resolve()
    }
    process.on('message', onMessage)
  })
}
