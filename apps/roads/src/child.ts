import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Answer, Question } from './tasks.ts'

/** A process that runs one side of the wire from the sources of a checkout. */
export class Child {
  readonly #process: ChildProcess
  readonly #exited: Promise<never>
  #lastId = 0

  private constructor(process: ChildProcess) {
    this.#process = process
    this.#exited = once(process, 'exit').then(([status, signal]) => {
      throw new Error(`A process of the roads exited (${status ?? signal})`)
    })
    this.#exited.catch(() => {})
  }

  /** @throws {Error} it exits before it is ready; what it says is on stderr. */
  static async start(program: 'server' | 'client', checkout: string): Promise<Child> {
    const file = (name: string) => fileURLToPath(new URL(`./${name}.js`, import.meta.url))
    const forked = fork(file(program), [checkout], {
      execArgv: ['--conditions=@tidings/source', '--import', new URL('./sources.js', import.meta.url).href],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const child = new Child(forked)
    await Promise.race([once(forked, 'message'), child.#exited])
    return child
  }

  /** Has the child do one of its tasks. @throws {Error} what the task throws, or that the child has exited. */
  async ask<Result = void>(task: string, argument?: unknown): Promise<Result> {
    const id = ++this.#lastId
    const answered = new Promise<Result>((resolve, reject) => {
      const take = (answer: Answer) => {
        if (answer.id !== id) return
        this.#process.off('message', take)
        if (answer.error === undefined) resolve(answer.value as Result)
        else reject(new Error(`${task} failed: ${answer.error}`))
      }
      this.#process.on('message', take)
    })
    this.#process.send({ id, task, argument } satisfies Question)
    return Promise.race([answered, this.#exited])
  }

  stop(): void {
    this.#process.kill('SIGKILL')
  }
}
