import type { Context } from 'koa'
import type { DoorEnv } from './door.ts'

/** `GET /health`: whether new clients are welcome (503 while stopping), and who is here. */
export function health(
  { server, sessions }: DoorEnv,
  subscriptions: ReadonlySet<unknown>,
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
    }
  }
}
