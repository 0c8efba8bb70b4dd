import type { Middleware } from 'koa'

/** The header of each response that names the node it came from: its name, and the id of its process. */
const nodeHeader = 'Demo-Node'

/** Names the node in each response, and lets the page kill it: `POST /kill` with the id of a process of the cluster. */
export function nodeInfo(name: string): Middleware {
  return async (ctx, next) => {
    ctx.set(nodeHeader, `${name} ${process.pid}`)
    // Only what the cluster has started, and only from its own page.
    if (ctx.path !== '/kill' || ctx.method !== 'POST' || process.send === undefined) {
      await next()
      return
    }
    const origin = ctx.get('Origin')
    if (!URL.canParse(origin) || new URL(origin).host !== ctx.host)
      ctx.throw(
        403,
        `Only the page of the demo may kill a node, not ${origin || 'a request without an Origin'}`,
      )
    const kill = Number(ctx.query['pid'])
    if (!Number.isInteger(kill))
      ctx.throw(400, `pid must be the id of a process, not ${String(ctx.query['pid'])}`)
    process.send({ kill })
    ctx.status = 202
    ctx.body = ''
  }
}
