import type { Logger } from '@tidings/server'
import { FullError } from './full-error.ts'
import type { Keys } from './keys.ts'
import { type Link, NoConnectionError } from './link.ts'
import { publishScript } from './change-scripts.ts'

/** The number of topics that are remembered for later followers. Up to twice as many are there for a while. */
const remembered = 10_000
/** The number of batches in the log. A follower that is further behind takes the snapshot. */
const loggedBatches = 10_000
const batchTopics = 256
const batchCharacters = 16 * 1024
/** The characters of the topics that wait to be published. */
const maxWaitingCharacters = 16 * 1024 * 1024

interface Batch {
  readonly number: number
  readonly topics: readonly string[]
}

/** Puts the changes that this process publishes into the order, in their order, and each topic of a turn once. */
export class Publisher {
  readonly #name: string
  readonly #keys: Keys
  readonly #link: Link
  readonly #logger: Logger
  /** The epoch that the followers of this process know. */
  readonly #epoch: () => string
  /** The order is another: the epoch has to be found out before anything is published. */
  readonly #onOtherEpoch: () => Promise<void>
  #waiting = new Set<string>()
  #waitingCharacters = 0
  /** The batch that is under way, or whose answer was lost. */
  #batch: Batch | undefined
  #lastNumber = 0
  #running = false
  #hasLost = false
  #isFull = false

  constructor(options: {
    name: string
    keys: Keys
    link: Link
    logger: Logger
    epoch: () => string
    onOtherEpoch: () => Promise<void>
  }) {
    this.#name = options.name
    this.#keys = options.keys
    this.#link = options.link
    this.#logger = options.logger
    this.#epoch = options.epoch
    this.#onOtherEpoch = options.onOtherEpoch
  }

  /** True when changes were given up, since too many topics waited. Asking makes it false. */
  takeLoss(): boolean {
    const hasLost = this.#hasLost
    this.#hasLost = false
    return hasLost
  }

  /** The loss that was taken has not been told. */
  returnLoss(): void {
    this.#hasLost = true
  }

  publish(topic: string): void {
    // The latest comes last.
    if (this.#waiting.delete(topic)) this.#waitingCharacters -= topic.length
    if (this.#waitingCharacters + topic.length > maxWaitingCharacters) {
      const message = `More than ${maxWaitingCharacters} characters of topics wait to be published: everything will be told as changed`
      if (!this.#hasLost) this.#logger.warn({}, message)
      this.#hasLost = true
      return
    }
    this.#waitingCharacters += topic.length
    this.#waiting.add(topic)
    this.start()
  }

  /** There may be room in Redis again. */
  retry(): void {
    this.#isFull = false
    this.start()
  }

  /** Publishes what waits, if there is a connection, and room. */
  start(): void {
    if (this.#running || this.#isFull || !this.#link.isUp) return
    this.#running = true
    queueMicrotask(() => void this.#run())
  }

  async #run(): Promise<void> {
    const client = this.#link.isUp ? this.#link.client : undefined
    try {
      while (this.#link.isUp) {
        this.#batch ??= this.#nextBatch()
        if (this.#batch === undefined) {
          if (this.#hasLost) await this.#onOtherEpoch()
          break
        }
        if (await this.#send(this.#batch)) this.#batch = undefined
        else await this.#onOtherEpoch()
      }
    } catch (err) {
      // The batch goes again when there is room, or on another connection.
      if (err instanceof FullError) this.#isFull = true
      else if (!(err instanceof NoConnectionError)) this.#link.restart(err as Error, client)
    } finally {
      this.#running = false
    }
    if (this.#batch !== undefined) this.start()
  }

  async #send({ number, topics }: Batch): Promise<boolean> {
    const { order, log, topics: index } = this.#keys
    const keys = [order, log, index, this.#keys.batchesOf(this.#name)]
    const args = [
      this.#epoch(),
      this.#name,
      String(number),
      String(remembered),
      String(loggedBatches),
      JSON.stringify(topics),
      ...topics,
    ]
    return (await this.#link.ask((client) => publishScript.run(client, keys, args))) === 1
  }

  #nextBatch(): Batch | undefined {
    const topics: string[] = []
    let characters = 0
    for (const topic of this.#waiting) {
      if (topics.length === batchTopics || (topics.length > 0 && characters + topic.length > batchCharacters))
        break
      topics.push(topic)
      characters += topic.length
    }
    if (topics.length === 0) return undefined
    this.#waitingCharacters -= characters
    if (topics.length === this.#waiting.size) this.#waiting = new Set()
    else for (const topic of topics) this.#waiting.delete(topic)
    return { number: ++this.#lastNumber, topics }
  }
}
