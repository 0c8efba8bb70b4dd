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
    if (ctx.get('Sec-Fetch-Site') !== 'same-origin') ctx.throw(403, 'Only the page of the demo may do this')
    process.send({ kill: Number(ctx.query['pid']) })
    ctx.status = 202
    ctx.body = ''
  }
}
