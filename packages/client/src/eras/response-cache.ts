import type { CacheableResult } from '@tidings/protocol'

/** How many results are kept. */
const most = 256

/** What may be kept, and the notifications it is not kept over. */
const cacheable: Record<string, string> = {
  'server/discover': '',
  'tools/list': 'notifications/tools/list_changed',
  'prompts/list': 'notifications/prompts/list_changed',
  'resources/list': 'notifications/resources/list_changed',
  'resources/templates/list': 'notifications/resources/list_changed',
  'resources/read': 'notifications/resources/updated',
}

const notifications = new Set(Object.values(cacheable))

interface Entry {
  method: string
  uri: unknown
  result: CacheableResult
  freshUntil: number
}

type Params = Record<string, unknown> | undefined

/**
 * The results that the server says may be kept for a while, for this client alone.
 *
 * @see https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/caching
 */
export class ResponseCache {
  readonly #entries = new Map<string, Entry>()
  /** Counts what has changed: a result that was under way meanwhile may be older than the change. */
  #changes = 0

  /** A copy of what was kept, as long as it is fresh. */
  get(method: string, params: Params): CacheableResult | undefined {
    if (!isCacheable(method)) return undefined
    const entry = this.#entries.get(keyOf(method, params))
    return entry && Date.now() < entry.freshUntil ? structuredClone(entry.result) : undefined
  }

  /** To be called when the request is made. Returns what keeps its result, if it may be kept. */
  keeper(method: string, params: Params): (result: CacheableResult) => void {
    if (!isCacheable(method)) return () => {}
    const changes = this.#changes
    const key = keyOf(method, params)
    return (result) => {
      this.#entries.delete(key)
      const { ttlMs = 0, resultType = 'complete' } = result
      const dependsOnMore = params?.['inputResponses'] ?? params?.['requestState']
      if (resultType !== 'complete' || dependsOnMore !== undefined) return
      if (!(ttlMs > 0) || changes !== this.#changes) return
      const freshUntil = Date.now() + ttlMs
      this.#entries.set(key, { method, uri: params?.['uri'], result: structuredClone(result), freshUntil })
      if (this.#entries.size > most) this.#entries.delete(this.#entries.keys().next().value!)
    }
  }

  /** Forgets what a notification says has changed. */
  notified(notification: string, params: Params): void {
    if (!notifications.has(notification)) return
    this.#changes++
    for (const [key, { method, uri }] of this.#entries) {
      if (cacheable[method] === notification && uri === params?.['uri']) this.#entries.delete(key)
    }
  }

  clear(): void {
    this.#changes++
    this.#entries.clear()
  }
}

function isCacheable(method: string): boolean {
  return Object.hasOwn(cacheable, method)
}

function keyOf(method: string, params: Params): string {
  return JSON.stringify([method, { ...params, _meta: undefined }])
}
