import { type CacheableResult, lists, normalUri } from '@tidings/protocol'

/** The number of results to keep. */
const maxEntries = 256

/** The methods whose results may be kept, each with the notification that makes them out of date. */
const cacheable: Record<string, string> = {
  'server/discover': '',
  'tools/list': lists.tools.changed,
  'prompts/list': lists.prompts.changed,
  'resources/list': lists.resources.changed,
  'resources/templates/list': lists.resources.changed,
  'resources/read': 'notifications/resources/updated',
}

const notifications = new Set(Object.values(cacheable))

interface Entry {
  method: string
  uri: string | undefined
  result: CacheableResult
  freshUntil: number
}

type Params = Record<string, unknown> | undefined

/**
 * The results that the server allows this client to reuse for a while.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/caching
 */
export class ResponseCache {
  readonly #entries = new Map<string, Entry>()
  /** Counts the changes: a result that was under way during a change may be older than the change. */
  #changes = 0

  /** Returns a copy of a kept result while it is fresh. */
  get(method: string, params: Params): CacheableResult | undefined {
    if (!isCacheable(method)) return undefined
    const entry = this.#entries.get(keyOf(method, params))
    return entry && Date.now() < entry.freshUntil ? structuredClone(entry.result) : undefined
  }

  /** Call it when the request is made. Returns a function that keeps the result, if the server allows it. */
  keeper(method: string, params: Params): (result: CacheableResult) => void {
    if (!isCacheable(method)) return noCache
    const changes = this.#changes
    const key = keyOf(method, params)
    return (result) => {
      this.#entries.delete(key)
      const { ttlMs = 0, resultType = 'complete' } = result
      const dependsOnMore = params?.['inputResponses'] ?? params?.['requestState']
      if (resultType !== 'complete' || dependsOnMore !== undefined) return
      if (!(ttlMs > 0) || changes !== this.#changes) return
      const freshUntil = Date.now() + ttlMs
      this.#entries.set(key, { method, uri: uriOf(params), result: structuredClone(result), freshUntil })
      if (this.#entries.size > maxEntries) this.#entries.delete(this.#entries.keys().next().value!)
    }
  }

  /** Forgets the results that a notification makes out of date. */
  notified(notification: string, params: Params): void {
    if (!notifications.has(notification)) return
    this.#changes++
    const changed = uriOf(params)
    for (const [key, { method, uri }] of this.#entries) {
      if (cacheable[method] === notification && uri === changed) this.#entries.delete(key)
    }
  }

  clear(): void {
    this.#changes++
    this.#entries.clear()
  }
}

function noCache(): void {}

function isCacheable(method: string): boolean {
  return Object.hasOwn(cacheable, method)
}

function uriOf(params: Params): string | undefined {
  const uri = params?.['uri']
  return typeof uri === 'string' ? normalUri(uri) : undefined
}

function keyOf(method: string, params: Params): string {
  return JSON.stringify([method, { ...params, _meta: undefined }])
}
