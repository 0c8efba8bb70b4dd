import {
  type ClientCapabilities,
  type Implementation,
  JSONRPC_VERSION,
  type LoggingLevel,
  type NotificationToClient,
  type RequestId,
  type Revision,
} from '@tidings/protocol'
import { Asks } from '../ask.ts'
import type { Call } from '../call.ts'
import type { ChangeIndex, Topic, TopicState } from '../changes/change-index.ts'
import { changeNotification } from '../changes/notification.ts'
import { Subscriber } from '../changes/subscriber.ts'
import { type EventId, formatEventId } from './event-id.ts'
import { Mailbox, type MailboxLimits } from './mailbox.ts'

/** The open stream of a session, as far as the session is concerned. */
export interface SessionStream {
  /** False while the reader's socket is full. `onReady` is called when it no longer is. */
  readonly ready: boolean
  onReady: () => void
  onClose: () => void
  write(frame: Buffer): void
  /** Ends the stream; the reason is told to the reader in a comment. */
  end(reason: string): void
}

/** What a session has of the server it belongs to. */
export interface SessionHome {
  readonly changes: ChangeIndex
  readonly mailboxLimits: MailboxLimits
  /** Called when a session loses its stream. */
  detached(session: Session): void
  /** Called when a session gets a stream. */
  attached(session: Session): void
  /** Called once, when the session ends. */
  ended(session: Session, reason: string): void
}

const lists: readonly Topic[] = ['tools', 'prompts', 'resources']

/**
 * One client of the legacy era, between its first message and its end: what it said of itself, what it watches, its
 * requests in flight, and its stream, which may come and go.
 */
export class Session {
  readonly id: string
  /** What its event ids carry: the id, unless the client chose that, and may choose it again for another session. */
  readonly key: string
  /** Who opened it. Nobody else may use it. */
  readonly principal: string | undefined
  /** Until `initialize` says otherwise, and for clients that never send it: the first revision. */
  revision: Revision = '2024-11-05'
  clientInfo: Implementation | undefined
  clientCapabilities: ClientCapabilities = {}
  logLevel: LoggingLevel = 'info'
  /** The requests of this client that are being answered. */
  readonly calls = new Map<RequestId, Call>()
  /** The requests to this client that it has not answered yet. */
  readonly asks: Asks
  /** How many of its HTTP requests are being answered: as long as there are any, the client is there. */
  openResponses = 0
  readonly #home: SessionHome
  readonly #subscriber: Subscriber
  readonly #mailbox: Mailbox
  readonly #idPrefix: Buffer
  #stream: SessionStream | undefined
  #ready = false
  #ended = false

  constructor(id: string, principal: string | undefined, home: SessionHome, key = id) {
    this.id = id
    this.key = key
    this.principal = principal
    this.#home = home
    this.#mailbox = new Mailbox(home.mailboxLimits)
    this.#idPrefix = Buffer.from(`id: ${key}.${home.changes.epoch}.`)
    this.asks = new Asks((message) => this.send(JSON.stringify(message)))
    this.#subscriber = new Subscriber(home.changes, {
      isReady: () => this.#stream !== undefined && this.#stream.ready,
      write: (state) => this.#stream!.write(Buffer.concat([this.#idPrefix, state.frame(encodeChange)])),
    })
  }

  /** Enough of the id to tell sessions apart in a log; the whole of it is a secret. */
  get label(): string {
    return this.id.slice(0, 8)
  }

  /** True while the client has a stream open. */
  get attached(): boolean {
    return this.#stream !== undefined
  }

  get ended(): boolean {
    return this.#ended
  }

  /** How many messages are held for the client, those kept for its return included. */
  get mailSize(): number {
    return this.#mailbox.size
  }

  /** What it watches. */
  get topics(): ReadonlySet<Topic> {
    return this.#subscriber.topics
  }

  /** What `initialize` says. A client that says it again begins anew: nothing else in flight, nothing watched. */
  initialize(
    revision: Revision,
    capabilities: ClientCapabilities,
    clientInfo: Implementation,
    id: RequestId,
  ): void {
    this.revision = revision
    this.clientCapabilities = capabilities
    this.clientInfo = clientInfo
    for (const [other, call] of [...this.calls]) {
      if (other !== id) call.abort(new DOMException('The client initialized again', 'AbortError'))
    }
    this.asks.close('The client initialized again')
    this.#subscriber.clear()
    this.#ready = false
  }

  /** From here on the client is told when a list changes. Called when it has said, or shown, that it is ready. */
  ready(): void {
    if (this.#ready || this.#ended) return
    this.#ready = true
    for (const list of lists) this.#subscriber.watch(list)
  }

  watch(uri: string): void {
    if (!this.#ended) this.#subscriber.watch(uri)
  }

  unwatch(uri: string): void {
    this.#subscriber.unwatch(uri)
  }

  /**
   * Sends a message, as JSON, on the stream, in order; kept while there is none, or it is full. Past the limits the session ends.
   *
   * @param mergeKey a message that still waits under the same key is replaced.
   */
  send(json: string, mergeKey?: string): void {
    if (this.#ended) return
    const data = Buffer.from(`event: message\ndata: ${json}\n\n`)
    if (this.#mailbox.post(data, mergeKey)) this.#pump()
    else this.end('mailbox full')
  }

  notify(method: NotificationToClient, params: object, mergeKey?: string): void {
    this.send(JSON.stringify({ jsonrpc: JSONRPC_VERSION, method, params }), mergeKey)
  }

  /**
   * Gives the session its stream, in place of the one it may have.
   *
   * @param greeting what is written before everything else, given the id of what the client has been told last.
   * @param lastEventId where the client, returning, left off. What it lacks is sent again.
   */
  attach(stream: SessionStream, greeting: (eventId: string) => Buffer): void {
    this.#stream?.end('replaced by a newer stream')
    this.#stream = stream
    this.#home.attached(this)
    stream.onReady = () => this.#pump()
    stream.onClose = () => {
      if (this.#stream !== stream) return
      this.#stream = undefined
      this.#home.detached(this)
    }
    stream.write(greeting(this.#lastEventId()))
    this.#pump()
  }

  /**
   * Goes back to where a returning client left off.
   *
   * @returns false when that cannot be done without a loss: messages it lacks are gone.
   */
  rewind({ epoch, position, mail }: EventId): boolean {
    const known = epoch === this.#home.changes.epoch && position <= this.#subscriber.position
    if (!known || !this.#mailbox.rewind(position, mail)) return false
    this.#subscriber.rewind(position)
    return true
  }

  /** Lets go of what was kept for the client's return for long enough. */
  trim(now: number): void {
    this.#mailbox.trim(now)
  }

  /** The client no longer wants the answer to a request. */
  cancel(id: RequestId, reason: string): void {
    this.calls.get(id)?.abort(new DOMException(reason, 'AbortError'))
  }

  /** Ends the session: its requests are aborted, its stream is closed, and nothing of it is left. */
  end(reason: string): void {
    if (this.#ended) return
    this.#ended = true
    for (const call of [...this.calls.values()]) call.abort(new DOMException(reason, 'AbortError'))
    this.asks.close(reason)
    this.#subscriber.clear()
    const stream = this.#stream
    this.#stream = undefined
    stream?.end(reason)
    this.#home.ended(this, reason)
  }

  #pump(): void {
    const stream = this.#stream
    const now = Date.now()
    while (stream?.ready) {
      const mail = this.#mailbox.take(this.#subscriber.position, now)
      if (mail === undefined) {
        this.#subscriber.catchUp()
        break
      }
      const tail = Buffer.from(`${mail.position}.${mail.number}\n`)
      stream.write(Buffer.concat([this.#idPrefix, tail, mail.data]))
    }
    this.#mailbox.trim(now)
  }

  #lastEventId(): string {
    const { position } = this.#subscriber
    const mail = this.#mailbox.lastWritten
    return formatEventId({ session: this.key, epoch: this.#home.changes.epoch, position, mail })
  }
}

// The id prefix, which differs from stream to stream, goes before it; the rest is the same bytes for all.
function encodeChange(state: TopicState): Buffer {
  return Buffer.from(`${state.seq}\nevent: message\ndata: ${changeNotification(state.topic)}\n\n`)
}
