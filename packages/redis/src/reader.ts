import { setTimeout as wait } from 'node:timers/promises'
import { RESP_TYPES } from '@redis/client'
import type { ChangeFeed } from './change-feed.ts'
import type { Keys } from './keys.ts'
import type { Link } from './link.ts'
import type { LocalNode, MailEntry } from './local-node.ts'
import type { RedisClient } from './redis-client.ts'
import { readScript } from './node-scripts.ts'

/** The time that Redis waits for something new before it answers that there is nothing. */
const waitMs = 1_000
const entriesAtOnce = 500
/** Mail that was read is deleted within this time, so not once for each read. */
const deleteWithinMs = 20
/** A connection on which nothing was heard for so long is given up. */
export const silentMs = 3_000

type Fields = Record<string, Buffer>
type Streams = { name: Buffer | string; messages: { id: Buffer | string; message: Fields }[] }[]

/** Reads the log and the mail of this process's nodes, on a connection of its own, and gives out what comes. */
export class Reader {
  readonly #keys: Keys
  readonly #wakeKey: string
  readonly #feed: ChangeFeed
  readonly #nodes: ReadonlyMap<string, LocalNode>
  /** The connection for short commands. */
  readonly #link: Link
  /** Changes are missing in the log: it was trimmed before they were read. */
  readonly #onGap: () => Promise<void>
  #wakeId = '0-0'
  /** The nodes whose mail was read and is to be deleted, and its bytes. */
  readonly #read = new Map<LocalNode, number>()
  /** The time by `performance.now()` when Redis was last heard. */
  heardAt = performance.now()

  constructor(options: {
    keys: Keys
    wakeKey: string
    feed: ChangeFeed
    nodes: ReadonlyMap<string, LocalNode>
    link: Link
    onGap: () => Promise<void>
  }) {
    this.#keys = options.keys
    this.#wakeKey = options.wakeKey
    this.#feed = options.feed
    this.#nodes = options.nodes
    this.#link = options.link
    this.#onGap = options.onGap
  }

  /**
   * Reads until the connection is lost or given up.
   *
   * @throws the reason.
   */
  async read(client: RedisClient, isCurrent: () => boolean): Promise<void> {
    const buffers = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
    while (isCurrent()) {
      const nodes = [...this.#nodes.values()]
      const { lastId, epoch } = this.#feed
      // Before an epoch is known the log means nothing.
      if (epoch === '') {
        await wait(5)
        continue
      }
      const streams = [
        { key: this.#keys.log, id: lastId },
        { key: this.#wakeKey, id: this.#wakeId },
        ...nodes.map(({ name, lastMailId }) => ({ key: this.#keys.mailOf(name), id: lastMailId })),
      ]
      const asked = nodes.map(({ lastMailId }) => lastMailId)
      const reply = await buffers.xRead(streams, { BLOCK: waitMs, COUNT: entriesAtOnce })
      if (!isCurrent()) return
      this.heardAt = performance.now()
      for (const { name, messages } of (reply ?? []) as Streams) {
        const key = name.toString()
        if (key === this.#keys.log) {
          const isDue = this.#feed.lastId === lastId && this.#feed.epoch === epoch
          if (isDue && !this.#takeChanges(messages)) await this.#onGap()
        } else if (key === this.#wakeKey) {
          this.#wakeId = messages.at(-1)!.id.toString()
        } else {
          const index = nodes.findIndex((node) => this.#keys.mailOf(node.name) === key)
          if (nodes[index]?.lastMailId === asked[index]) this.#takeMail(nodes[index]!, messages)
        }
      }
    }
  }

  /** @returns false when changes before these are missing. */
  #takeChanges(messages: Streams[number]['messages']): boolean {
    return messages.every(({ id, message }) =>
      this.#feed.take({
        seq: Number.parseInt(id.toString()),
        batch: message['batch']!.toString(),
        topics: JSON.parse(message['topics']!.toString()) as string[],
      }),
    )
  }

  #takeMail(node: LocalNode, messages: Streams[number]['messages']): void {
    let bytes = 0
    for (const { id, message } of messages) {
      node.lastMailId = id.toString()
      if (message['mail'] !== undefined) bytes += message['mail'].length + 200
      node.receive(entryOf(message))
    }
    if (this.#read.size === 0) setTimeout(() => this.#deleteRead(), deleteWithinMs).unref()
    this.#read.set(node, (this.#read.get(node) ?? 0) + bytes)
  }

  /** What is not deleted now is deleted with the next. */
  #deleteRead(): void {
    for (const [node, bytes] of this.#read) {
      const [time, number] = node.lastMailId.split('-')
      const keys = [this.#keys.mailOf(node.name), this.#keys.mailBytes]
      const args = [node.name, `${time}-${Number(number) + 1}`, String(bytes)]
      this.#link.ask((client) => readScript.run(client, keys, args)).catch(() => {})
    }
    this.#read.clear()
  }
}

function entryOf({ gone, from, link, number, mail }: Fields): MailEntry {
  if (gone !== undefined) return { gone: gone.toString() }
  return { from: from!.toString(), link: link!.toString(), number: Number(number!.toString()), mail: mail! }
}
