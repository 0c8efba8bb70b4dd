import type { Client } from '@tidings/client'
import type { ReadResourceResult, Resource } from '@tidings/client'

/** Receives the resources of a server and their contents. */
export interface ResourceView {
  /** The list in the server's order, at the start and after every change of it. */
  listed(resources: Resource[]): void
  /** The contents of a resource, now and after every change. */
  value(uri: string, contents: ReadResourceResult): void
  /** A resource could not be read, or the list when `uri` is undefined. */
  failed(uri: string | undefined, error: unknown): void
}

/**
 * Watches every resource that the server lists, now or later, until the client is closed. After a reconnect the list
 * is read again, because the server may have been restarted.
 */
export function watchAll(client: Client, view: ResourceView): void {
  const watched = new Map<string, AbortController>()
  let listing = false
  let again = false

  async function watch(uri: string, end: AbortController) {
    try {
      for await (const contents of client.watch(uri, { signal: end.signal })) view.value(uri, contents)
    } catch (error) {
      if (!end.signal.aborted && client.state !== 'closed') view.failed(uri, error)
    } finally {
      if (watched.get(uri) === end) watched.delete(uri)
    }
  }

  async function list() {
    // A change that arrives during a reading causes another one. No two readings overlap.
    again = listing
    if (listing) return
    listing = true
    try {
      const resources = await client.listResources()
      const uris = new Set(resources.map((resource) => resource.uri))
      view.listed(resources)
      for (const [uri, end] of watched) {
        if (uris.has(uri)) continue
        watched.delete(uri)
        end.abort()
      }
      for (const uri of uris) {
        if (watched.has(uri)) continue
        const end = new AbortController()
        watched.set(uri, end)
        void watch(uri, end)
      }
    } catch (error) {
      if (client.state !== 'closed') view.failed(undefined, error)
    } finally {
      listing = false
      if (again) void list()
    }
  }

  client.on('notifications/resources/list_changed', () => void list())
  client.on('state', ({ state }) => {
    if (state === 'connected') void list()
  })
  void list()
}
