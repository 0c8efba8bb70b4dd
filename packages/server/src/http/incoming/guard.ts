import { isIP } from 'node:net'
import type { Context } from 'koa'
import type { Logger } from '../../logger.ts'
import { refuse } from '../outgoing/refuse.ts'

export interface GuardOptions {
  /**
   * Host names (without port) this server is reached by: these and no others, `localhost` included. Default: loopback
   * names when reached over loopback, else its IP address.
   */
  allowedHosts?: readonly string[]
  /** Origins whose pages may use this server, such as `https://app.example.com`, besides those of its own hosts. */
  allowedOrigins?: readonly string[]
}

const loopbackHosts = ['localhost', '127.0.0.1', '[::1]']

/** Whose requests are served. Both checks protect a user's browser from being used against a server (DNS rebinding). */
export class Guard {
  readonly #hosts: ReadonlySet<string> | undefined
  readonly #origins: ReadonlySet<string>
  readonly #logger: Logger
  /** The `Host` header that was let in last, and the address it was for: nearly always the next one is the same. */
  #letIn: { host: string; address: string | undefined } | undefined

  constructor({ allowedHosts, allowedOrigins = [] }: GuardOptions, logger: Logger) {
    this.#logger = logger
    this.#hosts = allowedHosts && new Set(allowedHosts.map((host) => host.toLowerCase()))
    this.#origins = new Set(allowedOrigins.map(originOf))
  }

  /** False, and answered 403, for a request for a host that is not ours, or from a page that is not allowed. */
  admits(ctx: Context): boolean {
    if (!this.#allowsHost(ctx)) return this.#refuse(ctx, 'Host', 'allowedHosts')
    if (!this.allowsOrigin(ctx)) return this.#refuse(ctx, 'Origin', 'allowedOrigins')
    return true
  }

  #allowsHost(ctx: Context): boolean {
    const { host = '' } = ctx.req.headers
    const address = ctx.req.socket.localAddress
    if (this.#letIn?.host === host && this.#letIn.address === address) return true
    const name = hostnameOf(`http://${host}`)
    if (name === undefined || !this.#isOurs(name, ctx)) return false
    this.#letIn = { host, address }
    return true
  }

  /** True for a request that comes from no page at all, from one of ours, or from one that is allowed. */
  allowsOrigin(ctx: Context): boolean {
    const { origin = '' } = ctx.req.headers
    if (origin === '' || this.#origins.has(origin)) return true
    const host = hostnameOf(origin)
    return host !== undefined && this.#isOurs(host, ctx)
  }

  #refuse(ctx: Context, header: 'Host' | 'Origin', option: keyof GuardOptions): false {
    const message = `The ${header} ${ctx.get(header)} is not allowed here: name it in ${option}`
    this.#logger.warn({ path: ctx.path }, message)
    refuse(ctx, 403, message)
    return false
  }

  #isOurs(host: string, ctx: Context): boolean {
    if (this.#hosts !== undefined) return this.#hosts.has(host)
    const address = (ctx.req.socket.localAddress ?? '').replace(/^::ffff:/, '')
    if (address === '::1' || address.startsWith('127.')) return loopbackHosts.includes(host)
    // An address cannot be rebound, unlike a name.
    return host === (isIP(address) === 6 ? `[${address}]` : address)
  }
}

function originOf(text: string): string {
  const { origin } = new URL(text)
  if (origin === text) return origin
  throw new TypeError(
    `An allowed origin is a scheme, a host and a port if it is not the usual one; got ${text}`,
  )
}

/** The host name of an absolute http(s) URL, undefined of anything else (`null`, two origins, nonsense). */
function hostnameOf(url: string): string | undefined {
  if (!/^https?:\/\/[^\s/,@\\?#]+$/i.test(url) || !URL.canParse(url)) return undefined
  return new URL(url).hostname
}
