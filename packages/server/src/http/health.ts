import type { Context } from 'koa'
import type { LimitedThing, Limits, LimitScope } from '../limits.ts'
import type { TransportContext } from './transports/transport.ts'
import type { WriteDeadline } from './outgoing/write-deadline.ts'

const things: readonly LimitedThing[] = ['sessions', 'streams', 'requests', 'subscriptions']
const scopes: readonly LimitScope[] = ['total', 'perPrincipal', 'perSession']

/** `GET /health`: whether new clients are welcome (503 while stopping), who is here, and how near the limits are. */
export function health(
  { server, sessions, limits }: TransportContext,
  subscriptions: ReadonlySet<unknown>,
  deadline: WriteDeadline,
): (ctx: Context) => void {
  const startedAt = performance.now()
  return (ctx) => {
    const { opened, resumed, refused, ended } = sessions.counts
    ctx.status = sessions.closing ? 503 : 200
    ctx.set('Cache-Control', 'no-store')
    ctx.body = {
      status: sessions.closing ? 'stopping' : 'healthy',
      connected_clients: sessions.attachedCount + subscriptions.size,
      transport: 'http+sse',
      server: { name: server.info.name, version: server.info.version },
      uptime_seconds: Math.round((performance.now() - startedAt) / 1000),
      sessions: { open: sessions.size, opened, resumed, refused, ended },
      limits: Object.fromEntries(things.map((thing) => [thing, useOf(limits, thing)])),
      refused: refusedBy(limits),
      write_timeouts: deadline.cuts,
    }
  }
}

function useOf(limits: Limits, thing: LimitedThing): { used: number; max: number | null } {
  const { used, max } = limits[thing]
  // JSON has no Infinity.
  return { used, max: max.total === Infinity ? null : max.total }
}

/** By the limits that were reached, how often one was. */
function refusedBy(limits: Limits): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const thing of things) {
    for (const scope of scopes) {
      const count = limits[thing].refused[scope]
      if (count > 0) counts[`${thing}.${scope}`] = count
    }
  }
  return counts
}
