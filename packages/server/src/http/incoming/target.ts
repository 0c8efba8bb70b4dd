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
 * The part of the public path that precedes a path: what proxies have taken off, and what the application's routers have.
 *
 * @param target the target of the request, before the routers.
 * @param forwarded the value of `X-Forwarded-Prefix`. Several proxies add to it, the outermost first.
 */
export function prefixOf(target: string, path: string, forwarded: string): string {
  const [original = ''] = target.split('?', 1)
  const mounted = original.endsWith(path) ? original.slice(0, -path.length) : ''
  const prefixes = forwarded.split(',').map((prefix) => prefix.trim().replace(/\/+$/, ''))
  const prefix = prefixes.join('')
  return (isPath(prefix) && !/[\s?\\]/.test(prefix) ? prefix : '') + mounted
}
