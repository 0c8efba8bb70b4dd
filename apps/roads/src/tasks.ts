import type { Coverage } from './coverage.ts'

/** Sent to a child: a task of its own and the argument. */
export interface Question {
  id: number
  task: string
  argument?: unknown
}

/** Sent back. The first one, without an id, says that the child is ready. */
export interface Answer {
  id?: number
  value?: unknown
  error?: string
}

type Task = (argument: never) => unknown

/** Serves the parent: the given tasks, and those that every child has for its coverage. */
export function serveTasks(coverage: Coverage, tasks: Record<string, Task>): void {
  const all: Record<string, Task> = { ...tasks, reset: () => coverage.reset(), look: () => coverage.look() }
  const answer = (message: Answer) => process.send!(message)
  process.on('message', ({ id, task, argument }: Question) => {
    void (async () => {
      try {
        answer({ id, value: await all[task]!(argument as never) })
      } catch (error) {
        answer({ id, error: String((error as Error).stack) })
      }
    })()
  })
  process.once('disconnect', () => process.exit())
  answer({})
}
