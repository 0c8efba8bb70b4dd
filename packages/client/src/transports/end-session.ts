import { after, LinkedController } from '../async/signals.ts'
import type { TransportOptions } from './transport.ts'

// A server that is gone does not delay `close()`.
const patienceMs = 1_000

/** Tells the server that the client will not use its session again. The answer makes no difference. */
export async function endSession(
  { http, logger }: TransportOptions,
  url: URL,
  headers: Record<string, string> = {},
): Promise<void> {
  const timeout = new LinkedController()
  const stop = after(patienceMs, () => timeout.abort(new DOMException('No answer', 'TimeoutError')))
  try {
    const response = await http.send(url, { method: 'DELETE', headers, signal: timeout.signal })
    response.cancel()
  } catch (err) {
    logger.debug({ err }, 'the server did not accept the end of its session')
  } finally {
    stop()
  }
}
