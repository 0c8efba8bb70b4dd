/** What a child process does when it is asked, by name. */
export type Tasks = Record<string, (argument: never) => unknown>

/** A question to a child process. */
export interface Question {
  id: number
  task: string
  argument: unknown
}

/** A child's answer. The one without an id says that it is ready. */
export interface Answer {
  id?: number
  value?: unknown
  error?: string
}

/** Answers the process that started this one, until it goes. Call it when ready. */
export function answerParent(tasks: Tasks): void {
  process.on('message', ({ id, task, argument }: Question) => {
    // A worker of node:cluster has other mail.
    if (task === undefined) return
    const run = async () => await tasks[task]!(argument as never)
    run().then(
      (value) => process.send!({ id, value } satisfies Answer),
      (error: Error) => process.send!({ id, error: error.stack ?? String(error) } satisfies Answer),
    )
  })
  process.once('disconnect', () => process.exit())
  process.send!({} satisfies Answer)
}
