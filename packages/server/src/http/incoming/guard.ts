import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { describe } from '../../options.ts'
import { Refusal } from '../../refusal.ts'

export interface GuardOptions {
  /**
   * Host names (without port) under which clients reach this server: these and no others, not even `localhost`. Default:
   * the loopback names when a request comes over loopback, else the IP address it came to.
   */
  allowedHosts?: readonly string[]
  /** Origins whose pages may use this server, such as `https://app.example.com`, besides those of its own hosts. */
  allowedOrigins?: readonly string[]
}

const loopbackHosts = ['localhost', '127.0.0.1', '[::1]']

/** Decides which requests are served. Both checks protect a user's browser from use against a server (DNS rebinding). */
export class Guard {
  readonly #hosts: ReadonlySet<string> | undefined
  readonly #origins: ReadonlySet<string>
  /** The last `Host` header that was allowed, and the address it was for: nearly always the next one is the same. */
  #allowed: { host: string; address: string | undefined } | undefined

  /** @throws {TypeError} when an option is no list of strings, or an allowed origin could never match. */
  constructor({ allowedHosts, allowedOrigins = [] }: GuardOptions) {
    requireStrings({ allowedHosts, allowedOrigins })
    this.#hosts = allowedHosts && new Set(allowedHosts.map((host) => host.toLowerCase()))
    this.#origins = new Set(allowedOrigins.map(originOf))
  }

  /** Refuses a request for a host that is not this server's, or from a page that is not allowed. Undefined admits it. */
  refusalOf(request: IncomingMessage): Refusal | undefined {
    if (!this.#allowsHost(request)) return refusal('Host', hostOf(request), 'allowedHosts')
    if (!this.allowsOrigin(request)) return refusal('Origin', request.headers.origin, 'allowedOrigins')
    return undefined
  }

  /** True for a request that comes from no page, from a page of one of the hosts, or from an allowed page. */
  allowsOrigin(request: IncomingMessage): boolean {
    const { origin = '' } = request.headers
    if (origin === '' || this.#origins.has(origin)) return true
    const host = hostnameOf(origin)
    return host !== undefined && this.#isOurs(host, request)
  }

  #allowsHost(request: IncomingMessage): boolean {
    const host = hostOf(request)
    const address = request.socket.localAddress
    if (this.#allowed?.host === host && this.#allowed.address === address) return true
    const name = hostnameOf(`http://${host}`)
    if (name === undefined || !this.#isOurs(name, request)) return false
    this.#allowed = { host, address }
    return true
  }

  #isOurs(host: string, request: IncomingMessage): boolean {
    if (this.#hosts !== undefined) return this.#hosts.has(host)
    const { localAddress } = request.socket
    // A UNIX socket, which has no address, is for this machine only. Its clients name `localhost`, if any host at all.
    if (localAddress === undefined) return loopbackHosts.includes(host)
    const address = localAddress.replace(/^::ffff:/, '')
    if (address === '::1' || address.startsWith('127.')) return loopbackHosts.includes(host)
    // An address cannot be rebound, unlike a name.
    return host === (isIP(address) === 6 ? `[${address}]` : address)
  }
}

/**
 * The host that a request names: over HTTP/2 in `:authority`, which a proxy may have left out for `Host` (RFC 9113, section
 * 8.3.1). Two that differ make no host name.
 */
function hostOf({ headers: { ':authority': authority, host = '' } }: IncomingMessage): string {
  if (authority === undefined) return host
  return host === '' || host === authority ? String(authority) : `${String(authority)}, ${host}`
}

function refusal(header: string, value: string | undefined, option: keyof GuardOptions): Refusal {
  return new Refusal(403, `The ${header} ${value ?? ''} is not allowed here: name it in ${option}`)
}

function requireStrings(options: Record<string, unknown>): void {
  for (const [name, list] of Object.entries(options)) {
    if (list === undefined || (Array.isArray(list) && list.every((each) => typeof each === 'string')))
      continue
    throw new TypeError(`${name} must be a list of strings, got ${describe(list)}`)
  }
}

function originOf(text: string): string {
  const { origin } = new URL(text)
  if (origin === text) return origin
  throw new TypeError(
    `allowedOrigins: an origin is a scheme, a host, and a port unless it is the default one; got ${text}`,
  )
}

/** The host name of an absolute http(s) URL, undefined for anything else (`null`, two origins, nonsense). */
function hostnameOf(url: string): string | undefined {
  if (!/^https?:\/\/[^\s/,@\\?#]+$/i.test(url) || !URL.canParse(url)) return undefined
  return new URL(url).hostname
}
