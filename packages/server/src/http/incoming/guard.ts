import type { IncomingMessage } from 'node:http'
import { describe } from '../../options.ts'
import { Refusal } from '../../refusal.ts'
import { authorityOf, hostOf, localAddressOf } from './authority.ts'
import { Hosts, isAddress } from './hosts.ts'
import { Origins } from './origins.ts'

export interface GuardOptions {
  /**
   * Hosts under which clients reach this server, without port: `mcp.example.com`, or `*.example.com` for all names below it.
   * These and no others, not even `localhost`; besides them only the IP address that a request came to. `['*']` turns the
   * check off, for a server behind a gateway that checks: anywhere else it lets every web page in, by DNS rebinding.
   * Default: loopback names; and for a request that did not come over loopback every IP address.
   */
  allowedHosts?: readonly string[]
  /**
   * Origins whose pages may use this server, such as `https://app.example.com`, `https://*.example.com`,
   * `chrome-extension://ID` or `tauri://localhost`, besides the pages of its own hosts. `null` allows pages that have no
   * origin, which any page can make; `*` allows every page. Default: none.
   */
  allowedOrigins?: readonly string[]
}

interface GuardSettings extends GuardOptions {
  /** A host that is served besides. */
  publicHost: string | undefined
}

/** Decides which requests are served, so that no web page can use a server through the browser of its user. */
export class Guard {
  readonly #hosts: Hosts
  readonly #origins: Origins
  /** The last authority that was served, and the address it was for: nearly always the next one is the same. */
  #served: { authority: string; address: string | undefined } | undefined

  /** @throws {TypeError} when an option is no list of strings, or an entry could never match. */
  constructor({ allowedHosts, allowedOrigins = [], publicHost }: GuardSettings) {
    requireStrings({ allowedHosts, allowedOrigins })
    this.#hosts = new Hosts(allowedHosts, publicHost)
    this.#origins = new Origins(allowedOrigins)
  }

  /**
   * Refuses a request for a host that is not this server's, or from a page that is not allowed. Undefined admits it.
   *
   * @param isProbe whether the request can do nothing but ask how the server is.
   */
  refusalOf(request: IncomingMessage, isProbe: boolean): Refusal | undefined {
    const authority = authorityOf(request)
    if (!this.#servesHost(authority, request) && !(isProbe && isProbeHost(authority))) {
      return hostRefusal(authority)
    }
    const { origin = '', 'sec-fetch-site': site } = request.headers
    if (origin === '') return isProbe || !isOtherSite(site) ? undefined : siteRefusal(String(site))
    return this.#allowsOrigin(origin, authority) ? undefined : refusal('Origin', origin, 'allowedOrigins')
  }

  /** True for a request from a page that may use the server, for a host that is the server's. */
  allowsPage(request: IncomingMessage): boolean {
    const authority = authorityOf(request)
    return this.#servesHost(authority, request) && this.#allowsOrigin(request.headers.origin ?? '', authority)
  }

  #servesHost(authority: string, request: IncomingMessage): boolean {
    const { localAddress } = request.socket
    if (this.#served?.authority === authority && this.#served.address === localAddress) return true
    const host = hostOf(authority)
    if (host === undefined || !this.#hosts.serves(host, localAddressOf(request))) return false
    this.#served = { authority, address: localAddress }
    return true
  }

  #allowsOrigin(origin: string, authority: string): boolean {
    if (this.#origins.allows(origin)) return true
    const [, page] = /^https?:\/\/(.+)$/i.exec(origin) ?? []
    const host = page && hostOf(page)
    if (!host) return false
    const own = hostOf(authority)
    return (
      this.#hosts.names(host) || host === own || (own !== undefined && this.#hosts.areSameMachine(host, own))
    )
  }
}

/** Health checks come by address, from inside a container by `localhost`, and over HTTP/1.0 without a host. */
function isProbeHost(authority: string): boolean {
  const host = hostOf(authority)
  return authority === '' || host === 'localhost' || (host !== undefined && isAddress(host))
}

/**
 * Browsers say so of what a page loads without asking, such as an image or a script, and send no Origin with it.
 *
 * @see https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
 */
function isOtherSite(site: string | string[] | undefined): boolean {
  return site === 'cross-site' || site === 'same-site'
}

function siteRefusal(site: string): Refusal {
  const how = 'use fetch() or EventSource, which name the page in Origin, and list that in allowedOrigins'
  return new Refusal(403, `A page of another origin cannot load this (Sec-Fetch-Site: ${site}): ${how}`)
}

function hostRefusal(authority: string): Refusal {
  if (authority !== '' && hostOf(authority) === undefined) {
    return new Refusal(400, `The Host ${authority.slice(0, maxQuoted)} is no host with a port`)
  }
  return refusal('Host', authority, 'allowedHosts')
}

/** Characters of a header that a refusal quotes. */
const maxQuoted = 100

function refusal(header: string, value: string, option: keyof GuardOptions): Refusal {
  const quoted = value === '' ? 'that is missing' : value.slice(0, maxQuoted)
  return new Refusal(403, `The ${header} ${quoted} is not allowed here: name it in ${option}`)
}

function requireStrings(options: Record<string, unknown>): void {
  for (const [name, list] of Object.entries(options)) {
    if (list === undefined || (Array.isArray(list) && list.every((each) => typeof each === 'string')))
      continue
    throw new TypeError(`${name} must be a list of strings, got ${describe(list)}`)
  }
}
