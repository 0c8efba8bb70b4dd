import type { MessageStream } from '../../changes/message-stream.ts'
import type { Logger } from '../../logger.ts'
import { identify, type Principal } from '../../requests/principal.ts'

/** An open stream, with the request that opened it. */
interface Authorized<Request> {
  readonly stream: MessageStream
  readonly request: Request
  readonly principal: Principal
  /** The time when its caller was last identified. */
  identifiedAt: number
  open: boolean
}

interface AuthorizedStreamsOptions<Request> {
  principal: (request: Request) => unknown
  /** The time after which the caller of an open stream is identified again. */
  maxAgeMs: number
  logger: Logger
}

/** The callers that are identified at once, and at most so many begun each time. */
const maxAtOnce = 100
const lookEveryMs = 100

/**
 * Ends streams whose caller may no longer have them: the application is asked again about the request that opened them. One
 * timer looks after all streams; there is none while none is open.
 */
export class AuthorizedStreams<Request> {
  readonly #options: AuthorizedStreamsOptions<Request>
  /** Those that were identified longest ago come first. Those that are being identified are not in it. */
  readonly #streams = new Set<Authorized<Request>>()
  #open = 0
  #asking = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: AuthorizedStreamsOptions<Request>) {
    this.#options = options
  }

  /**
   * Looks after a stream whose caller has just been identified.
   *
   * @returns to be called when the stream is closed.
   */
  watch(stream: MessageStream, request: Request, principal: Principal): () => void {
    const authorized = { stream, request, principal, identifiedAt: performance.now(), open: true }
    this.#streams.add(authorized)
    this.#open++
    const everyMs = Math.min(lookEveryMs, this.#options.maxAgeMs / 4)
    this.#timer ??= setInterval(() => this.#look(), everyMs).unref()
    return () => {
      authorized.open = false
      this.#streams.delete(authorized)
      if (--this.#open > 0) return
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }

  #look(): void {
    const due = performance.now() - this.#options.maxAgeMs
    for (const authorized of this.#streams) {
      if (authorized.identifiedAt > due || this.#asking >= maxAtOnce) return
      this.#streams.delete(authorized)
      void this.#identify(authorized)
    }
  }

  async #identify(authorized: Authorized<Request>): Promise<void> {
    const { principal, logger } = this.#options
    let isSame = false
    this.#asking++
    try {
      isSame = (await identify(principal, authorized.request)) === authorized.principal
    } catch (err) {
      logger.debug({ err, principal: authorized.principal }, 'the caller of an open stream is refused')
    }
    this.#asking--
    if (!authorized.open) return
    if (isSame) {
      authorized.identifiedAt = performance.now()
      this.#streams.add(authorized)
    } else {
      logger.info({ principal: authorized.principal }, 'a stream ends: its caller is no longer authorized')
      authorized.stream.end('no longer authorized')
    }
  }
}
