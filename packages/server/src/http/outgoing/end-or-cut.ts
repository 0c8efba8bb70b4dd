import type { ServerResponse } from 'node:http'

/** The time a reader has to take the end of its response before its connection is cut. */
const endWithinMs = 5_000

/** Ends a response. A reader that does not read would keep it for ever, so its connection is cut. */
export function endOrCut(response: ServerResponse): void {
  response.end()
  const cut = setTimeout(() => response.destroy(), endWithinMs).unref()
  response.once('close', () => clearTimeout(cut))
}
