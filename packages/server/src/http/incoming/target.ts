import type { IncomingMessage } from 'node:http'
import type { Context } from 'koa'

/** The request target as the client sent it, where a framework has taken a prefix off `url`. */
export function targetOf({ req, originalUrl }: Context): string {
  return (req as IncomingMessage & { originalUrl?: string }).originalUrl ?? originalUrl
}

/**
 * True for a path of this server. A target can also be a whole URL, for a proxy, or begin with what a client would take for
 * the authority of another server.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-3.2
 */
export function isPath(target: string): boolean {
  return /^\/(?![/\\])[^#]*$/.test(target)
}

/**
 * The part of the public path that precedes `ctx.path`: what a proxy has taken off, and what the application's routers have.
 *
 * @param forwarded whether `X-Forwarded-Prefix` is believed. The values of several proxies follow one another, the outermost
 *   first.
 */
export function prefixOf(context: Context, forwarded: boolean): string {
  const [original = ''] = targetOf(context).split('?', 1)
  const mounted = original.endsWith(context.path) ? original.slice(0, -context.path.length) : ''
  return (forwarded ? forwardedPrefixOf(context) : '') + mounted
}

function forwardedPrefixOf(context: Context): string {
  const prefixes = context.get('X-Forwarded-Prefix').split(',')
  const prefix = prefixes.map((prefix) => prefix.trim().replace(/\/+$/, '')).join('')
  return isPath(prefix) && !/[\s?\\]/.test(prefix) ? prefix : ''
}
