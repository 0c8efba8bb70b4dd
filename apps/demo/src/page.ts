import { readFile } from 'node:fs/promises'
import type { Middleware } from 'koa'

// Every file of the page by its path on the server. Nothing else on the disk can be requested.
const files = new Map([
  ['/', { file: 'index.html', type: 'text/html; charset=utf-8' }],
  ['/main.js', { file: 'main.js', type: 'text/javascript; charset=utf-8' }],
  ['/style.css', { file: 'style.css', type: 'text/css; charset=utf-8' }],
  ['/icon.svg', { file: 'icon.svg', type: 'image/svg+xml' }],
])

// The page loads from and connects to its own server only, and has no inline script or style.
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Koa middleware that serves the web page from `folder`, read on every request so that a rebuild shows after a reload. */
export function page(folder: URL): Middleware {
  return async (ctx, next) => {
    const found = ctx.method === 'GET' || ctx.method === 'HEAD' ? files.get(ctx.path) : undefined
    if (!found) {
      await next()
      return
    }
    ctx.set('Cache-Control', 'no-cache')
    ctx.set('Content-Security-Policy', contentSecurityPolicy)
    ctx.set('X-Content-Type-Options', 'nosniff')
    ctx.set('Referrer-Policy', 'no-referrer')
    ctx.type = found.type
    ctx.body = await readFile(new URL(found.file, folder))
  }
}
