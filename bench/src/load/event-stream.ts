import { Connection } from './connection.ts'
import { EventSplitter, type OnEvent } from './event-splitter.ts'

/** An open event stream, on a connection of its own. */
export class EventStream {
  readonly connection: Connection
  readonly #splitter = new EventSplitter((bytes, start, end) =>
    this.#arrived(bytes.toString('utf8', start, end)),
  )
  readonly #early: string[] = []
  #waiting: { text: string; resolve: (event: string) => void; reject: (error: Error) => void } | undefined
  readonly #onLost: (error: Error) => void
  /** Resolves when the server has begun to answer. */
  readonly opened: Promise<void>

  /** @param onLost called when it is lost. */
  constructor(port: number, request: string, onLost: (error: Error) => void) {
    this.#onLost = onLost
    this.connection = new Connection(port, (error) => this.#fail(error))
    let refused = false
    let reason = ''
    let open = () => {}
    this.opened = new Promise((resolve) => (open = resolve))
    this.connection.send(request, {
      head: (status, head) => {
        refused = status !== 200
        if (refused) reason = head
        else open()
      },
      data: (bytes, start, end) => {
        if (refused) reason += bytes.toString('latin1', start, end)
        else this.#splitter.feed(bytes, start, end)
      },
      end: () => this.#fail(new Error(refused ? `A stream was refused: ${reason}` : 'A stream has ended')),
    })
  }

  /** The next event that holds the text: one that has arrived, or will. */
  next(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const early = this.#early.findIndex((event) => event.includes(text))
      if (early >= 0) return resolve(this.#early.splice(early, 1)[0]!)
      this.#waiting = { text, resolve, reject }
    })
  }

  /** From now on events go there. */
  deliverTo(onEvent: OnEvent): void {
    this.#early.length = 0
    this.#splitter.onEvent = onEvent
  }

  #arrived(event: string): void {
    if (this.#waiting === undefined || !event.includes(this.#waiting.text)) {
      this.#early.push(event)
      return
    }
    const { resolve } = this.#waiting
    this.#waiting = undefined
    resolve(event)
  }

  #fail(error: Error): void {
    if (this.#waiting === undefined) this.#onLost(error)
    else this.#waiting.reject(error)
  }
}
