import { errorCodes, McpError, type ReadResourceResult } from '@tidings/protocol'
import { Deferred } from '../async/deferred.ts'
import { Backoff } from '../async/reconnect.ts'
import { abortable, LinkedController } from '../async/signals.ts'
import { isRetryable } from '../errors.ts'
import type { MessageRouter } from '../messages/message-router.ts'
import type { Hold } from './subscriptions.ts'

/** Yields the contents of a resource: now, and again after each change. See `Client.watch`. */
export function watch(
  router: MessageRouter,
  uri: string,
  signal?: AbortSignal,
): AsyncIterableIterator<ReadResourceResult, undefined, undefined> {
  const watching = new LinkedController(signal, router.connection.closing)
  const contents = changingContents(router, uri, watching)
  return {
    next: () => contents.next(),
    // The `return` of the generator alone would wait for the next change.
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
  router: MessageRouter,
  uri: string,
  watching: LinkedController,
): AsyncGenerator<ReadResourceResult, undefined, undefined> {
  const { connection, subscriptions, logger } = router
  const { signal } = watching
  const backoff = new Backoff()
  const stale = new Flag()
  let hold: Hold | undefined
  const release = () => {
    hold?.release().catch((err: unknown) => logger.debug({ err, uri }, 'not unsubscribed'))
    hold = undefined
  }
  try {
    for (;;) {
      await abortable(stale.raised(), signal)
      let subscribed = false
      try {
        await connection.whenReady(signal)
        assertCanSubscribe(router)
        hold ??= subscriptions.hold(uri, () => stale.raise())
        await hold.subscribed(signal)
        subscribed = true
        // Lowered before the read: a change during the read raises it again.
        stale.lower()
        yield await router.request('resources/read', { uri }, { signal, skipCache: true })
      } catch (error) {
        if (signal.aborted || (connection.state === 'connected' && !isRetryable(error))) throw error
        if (!subscribed) release()
        stale.raise()
        // Without a connection, the next round waits for it.
        if (connection.state === 'connected') await backoff.pause({ livedMs: 0 }, signal)
      }
    }
  } catch (error) {
    const { closing } = connection
    const endedByError = closing.aborted && (closing.reason as Error).cause !== undefined
    if (!signal.aborted || endedByError) throw error
    return undefined
  } finally {
    watching.release()
    release()
  }
}

function assertCanSubscribe({ server }: MessageRouter): void {
  if (server.capabilities.resources?.subscribe) return
  throw new McpError(
    errorCodes.methodNotFound,
    `${server.serverInfo.name} does not offer subscriptions (capability resources.subscribe): ` +
      'its resources can be read, not watched',
  )
}

/** A flag to wait for. Raising it twice is the same as raising it once. */
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
