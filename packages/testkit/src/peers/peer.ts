import { once } from 'node:events'
import type { Server } from 'node:http'

/** A server that others wrote, running on this machine. */
export interface Peer {
  port: number
  /** Tells the subscribers of the resource that it has changed. */
  changed: (uri: string) => unknown
  close: () => Promise<void>
}

/** Cuts every connection, and stops listening. */
export async function stop(http: Server): Promise<void> {
  http.close()
  http.closeAllConnections()
  await once(http, 'close')
}
