import type { RequestId } from '@tidings/protocol'
import { Channel, type ChannelOwner, type ChannelRecord } from './channel.ts'
import { emptyMail } from './mailbox.ts'
import { mayHaveRunMessage } from './may-have-run.ts'
import type { RequestStreamRecord } from './session-record.ts'

/** The number of streams of requests that are kept for their client to come back to. */
const maxChannels = 100

/** The channels of a session besides its own: one for each request, or batch, that is answered with a stream of its own. */
export class RequestChannels {
  readonly #owner: ChannelOwner
  readonly #channels = new Map<number, Channel>()
  #lastNumber = 0

  constructor(owner: ChannelOwner) {
    this.#owner = owner
  }

  /** The number of the channel that was opened last. */
  get lastNumber(): number {
    return this.#lastNumber
  }

  get all(): readonly Channel[] {
    return [...this.#channels.values()]
  }

  /** Those that are not answered in full, for another node to go on with. */
  get records(): readonly RequestStreamRecord[] {
    const unfinished = this.all.filter(({ finished }) => !finished)
    return unfinished.map(({ number, requests }) => ({ number: number!, requests }))
  }

  /** Opens a channel. When there are too many, the oldest whose client is not there goes. */
  open(requests: readonly RequestId[]): Channel {
    if (this.#channels.size >= maxChannels) {
      const oldest = this.all.find(({ attached }) => !attached)
      if (oldest !== undefined) this.drop(oldest)
    }
    const channel = new Channel(this.#owner, ++this.#lastNumber, requests)
    this.#channels.set(channel.number!, channel)
    return channel
  }

  /** Goes on where another node was: each request is answered with an error, since nobody knows how far it has come. */
  restore(own: ChannelRecord, lastNumber: number, streams: readonly RequestStreamRecord[]): void {
    this.#lastNumber = lastNumber
    for (const { number, requests } of streams) {
      const channel = new Channel(this.#owner, number, requests)
      channel.restore({ ...own, mail: emptyMail, watches: [] })
      this.#channels.set(number, channel)
      for (const id of requests) channel.send(mayHaveRunMessage(id))
      channel.complete()
    }
  }

  /** Undefined when it is gone. */
  get(number: number): Channel | undefined {
    return this.#channels.get(number)
  }

  /** Drops messages that were kept for long enough, and channels of which nothing is left. */
  trim(now: number): void {
    for (const channel of this.#channels.values()) {
      channel.trim(now)
      if (channel.finished && channel.size === 0) this.drop(channel)
    }
  }

  drop(channel: Channel, reason = 'no longer kept'): void {
    this.#channels.delete(channel.number!)
    channel.end(reason)
  }

  end(reason: string): void {
    for (const channel of this.all) this.drop(channel, reason)
  }
}
