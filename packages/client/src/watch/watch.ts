import { errorCodes, McpError, type ReadResourceResult } from '@tidings/protocol'
import { Deferred } from '../async/deferred.ts'
import { mayPass } from '../errors.ts'
import type { Exchange } from '../messages/message-router.ts'
import { Backoff } from '../async/reconnect.ts'
import { abortable, LinkedController } from '../async/signals.ts'
import type { Hold, Subscriptions } from './subscriptions.ts'

/** The contents of a resource: now, and again after each change. See `Client.watch`. */
export function watch(
  exchange: Exchange,
  subscriptions: Subscriptions,
  uri: string,
  signal?: AbortSignal,
): AsyncIterableIterator<ReadResourceResult, undefined, undefined> {
  const watching = new LinkedController(signal, exchange.closing)
  const contents = changingContents(exchange, subscriptions, uri, watching)
  return {
    next: () => contents.next(),
    // A generator by itself would go on waiting for a change before it ends.
    return: () => {
      watching.release()
      watching.abort(new DOMException('The watch was ended', 'AbortError'))
      return contents.return(undefined)
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

async function* changingContents(
  exchange: Exchange,
  subscriptions: Subscriptions,
  uri: string,
  watching: LinkedController,
): AsyncGenerator<ReadResourceResult, undefined, undefined> {
  const { signal } = watching
  const backoff = new Backoff()
  const stale = new Flag()
  let hold: Hold | undefined
  const release = () => {
    hold?.release().catch((err: unknown) => exchange.logger.debug({ err, uri }, 'not unsubscribed'))
    hold = undefined
  }
  try {
    for (;;) {
      await abortable(stale.raised(), signal)
      let subscribed = false
      try {
        await exchange.ready(signal)
        assertCanSubscribe(exchange)
        hold ??= subscriptions.hold(uri, () => stale.raise())
        await hold.subscribed(signal)
        subscribed = true
        // Lowered before it is read: a change from here on is another one.
        stale.lower()
        yield await exchange.request('resources/read', { uri }, { signal, fresh: true })
      } catch (error) {
        if (signal.aborted || (exchange.state === 'connected' && !mayPass(error))) throw error
        if (!subscribed) release()
        stale.raise()
        // While there is no connection, that is what is waited for.
        if (exchange.state === 'connected') await backoff.pause({ livedMs: 0 }, signal)
      }
    }
  } catch (error) {
    const endedByError = exchange.closing.aborted && (exchange.closing.reason as Error).cause !== undefined
    if (!signal.aborted || endedByError) throw error
    return undefined
  } finally {
    watching.release()
    release()
  }
}

function assertCanSubscribe({ server }: Exchange): void {
  if (server.capabilities.resources?.subscribe) return
  throw new McpError(
    errorCodes.methodNotFound,
    `${server.serverInfo.name} does not offer subscriptions (capability resources.subscribe): ` +
      'its resources can be read, not watched',
  )
}

/** Remembers that something happened, once, however often it did. */
class Flag {
  #up = new Deferred<void>()

  constructor() {
    this.raise()
  }

  raise(): void {
    this.#up.resolve()
  }

  lower(): void {
    this.#up = new Deferred()
  }

  raised(): Promise<void> {
    return this.#up.promise
  }
}
