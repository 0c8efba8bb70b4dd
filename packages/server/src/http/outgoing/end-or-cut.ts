import type { ServerResponse } from 'node:http'

/** How long a reader has to take the end of its response before it is cut off. */
const endWithinMs = 5_000

/** Ends a response. A reader that does not read would keep it for ever, so that one is cut off. */
export function endOrCut(response: ServerResponse): void {
  response.end()
  const cut = setTimeout(() => response.destroy(), endWithinMs).unref()
  response.once('close', () => clearTimeout(cut))
}
