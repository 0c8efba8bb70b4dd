import { abortable, after, LinkedController, type Signal } from '../async/signals.ts'
import { ClosedError, TimeoutError } from '../errors.ts'

/** The bounds of {@link oneOperation}. */
export interface OperationBounds {
  /** The caller's signal. */
  signal: Signal | undefined
  /** Aborted when the client is closed. */
  closing: Signal
  /** How long the operation may take, in milliseconds. */
  totalTimeoutMs: number
  /** When it began, by `performance.now()`. Default: now. */
  beganAt?: number | undefined
}

/**
 * Runs several requests that are one operation for the caller: the signal, the time limit and `close()` end them
 * together. It settles as soon as one of these ends it, whatever the requests wait for. When it has ended, the signal
 * that `run` was given is aborted.
 *
 * @param name the operation, for the error.
 * @throws {TimeoutError} when the time is over; {@link ClosedError} when the client is closed; the signal's reason.
 */
export async function oneOperation<T>(
  name: string,
  { signal, closing, totalTimeoutMs, beganAt = performance.now() }: OperationBounds,
  run: (signal: Signal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  closing.throwIfAborted()
  const abort = new LinkedController(signal, closing)
  const stop = after(totalTimeoutMs - (performance.now() - beganAt), () =>
    abort.abort(new TimeoutError(`${name}: not finished within ${totalTimeoutMs} ms (totalTimeoutMs)`)),
  )
  try {
    return await abortable(run(abort), abort)
  } catch (error) {
    // Its requests may have been sent, and the error of the closed client is shared by all.
    if (!(error instanceof ClosedError)) throw error
    throw new ClosedError(`${name}: ${error.message}`, { cause: error.cause })
  } finally {
    stop()
    abort.release()
    abort.abort()
  }
}
