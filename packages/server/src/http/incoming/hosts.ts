import { isIP } from 'node:net'
import { hostOf } from './authority.ts'

/** The hosts under which a server is reached. */
export class Hosts {
  /** Undefined when none are listed: then what cannot be rebound is served. */
  readonly #listed: ReadonlySet<string> | undefined
  readonly #suffixes: readonly string[]
  readonly #any: boolean
  readonly #publicHost: string | undefined

  /**
   * @param list names, addresses, `*.example.com` for all names below one, `*` for any.
   * @param publicHost is served besides.
   * @throws {TypeError} when an entry could never match.
   */
  constructor(list: readonly string[] | undefined, publicHost: string | undefined) {
    const hosts = list?.map(entryOf)
    this.#any = hosts?.includes('*') ?? false
    this.#suffixes = hosts?.filter((host) => host.startsWith('*.')).map((host) => host.slice(1)) ?? []
    this.#listed = hosts && new Set(hosts)
    this.#publicHost = publicHost
  }

  /** True for a host by name, not by a wildcard. */
  names(host: string): boolean {
    return host === this.#publicHost || this.#listed?.has(host) === true
  }

  /** @param address the address of this machine that the request came to. */
  serves(host: string, address: string | undefined): boolean {
    if (this.#any || this.names(host) || host === bracketed(address ?? '')) return true
    if (this.#listed === undefined) return isLocal(host, address)
    return this.#suffixes.some((suffix) => host.endsWith(suffix) && host.length > suffix.length)
  }

  /** True when none are listed and both names are this machine's own. */
  areSameMachine(host: string, other: string): boolean {
    return this.#listed === undefined && isLoopbackName(host) && isLoopbackName(other)
  }
}

/**
 * A name can be rebound to this machine by its owner; an address cannot, nor `localhost`. Over loopback, and over a UNIX
 * socket, only loopback's own names are served: browsers say from which site a request for them comes (`Sec-Fetch-Site`), and
 * for `0.0.0.0` and the like they do not.
 *
 * @see https://www.w3.org/TR/secure-contexts/#is-origin-trustworthy
 */
function isLocal(host: string, address: string | undefined): boolean {
  if (isLoopbackName(host)) return true
  return address !== undefined && !isLoopback(address) && isAddress(host)
}

/** True for an IP address, as it is in a URL. */
export function isAddress(host: string): boolean {
  return isIP(host.replace(/^\[(.*)\]$/, '$1')) !== 0
}

function isLoopback(address: string): boolean {
  return address === '::1' || (address.startsWith('127.') && isIP(address) === 4)
}

/** True for the names that browsers resolve to loopback themselves. */
function isLoopbackName(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || isLoopback(host)
}

function bracketed(address: string): string {
  return isIP(address) === 6 ? `[${address}]` : address
}

function entryOf(entry: string): string {
  if (entry === '*') return entry
  const wildcard = entry.startsWith('*.') ? '*.' : ''
  const name = bracketed(entry.slice(wildcard.length))
  const host = /^(\[[^\]]*\]|[^:*]+)$/.test(name) ? hostOf(name) : undefined
  if (host !== undefined) return wildcard + host
  throw new TypeError(
    'allowedHosts: a host is a name or an address, without scheme, port and path, such as mcp.example.com, ' +
      `*.example.com for all names below it, or * for any host; got ${entry}`,
  )
}
