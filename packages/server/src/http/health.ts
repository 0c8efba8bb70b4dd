import { ByteQuota } from '../byte-quota.ts'
import type { Quota } from '../quota.ts'
import type { Limits } from '../limits.ts'
import type { RequestHandler, TransportContext } from './transports/transport.ts'

interface HealthOptions {
  listenStreams: ReadonlySet<unknown>
  /** Counts the connections that were cut because their reader did not read. */
  deadline: { readonly cuts: number }
  /** False while the server has not reached its backplane yet. */
  hasJoined: () => boolean
}

/**
 * `GET /health`: whether the server takes new clients (503 while starting or stopping), the connected clients, and the use of limits. A
 * server that has lost its backplane is `degraded`, and still 200: taken out of a balancer it would serve nobody, and the others
 * have likely lost theirs, too.
 */
export function health(
  { info, sessions, backplane, isShared, options: { limits } }: TransportContext,
  { listenStreams, deadline, hasJoined }: HealthOptions,
): RequestHandler {
  const startedAt = performance.now()
  return (_request, response) => {
    const { opened, adopted, resumed, refused, ended } = sessions.counts
    const connection = isShared ? backplane.health : undefined
    const outOfService = sessions.closing ? 'stopping' : hasJoined() ? undefined : 'starting'
    const inService = connection?.status === 'degraded' ? 'degraded' : 'healthy'
    const body = {
      status: outOfService ?? inService,
      connected_clients: sessions.attachedCount + listenStreams.size,
      transport: 'http+sse',
      server: { name: info.name, version: info.version },
      uptime_seconds: Math.round((performance.now() - startedAt) / 1000),
      sessions: { open: sessions.size, opened, adopted, resumed, refused, ended },
      ...(connection !== undefined && { backplane: connection }),
      limits: Object.fromEntries(Object.entries(limits).map(([thing, quota]) => [thing, useOf(quota)])),
      refused: refusedBy(limits),
      write_timeouts: deadline.cuts,
    }
    response.set('Cache-Control', 'no-store')
    response.json(JSON.stringify(body), outOfService === undefined ? 200 : 503)
  }
}

function useOf(quota: Quota): { used: number; max: number | null; kept?: number } {
  const { used, max } = quota
  // JSON has no Infinity.
  const use = { used, max: max.total === Infinity ? null : max.total }
  return quota instanceof ByteQuota ? { ...use, kept: quota.kept } : use
}

/** The number of refusals, by limit. */
function refusedBy(limits: Limits): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const [thing, { refused }] of Object.entries(limits)) {
    for (const [scope, count] of Object.entries(refused)) {
      if (count > 0) counts[`${thing}.${scope}`] = count
    }
  }
  return counts
}
