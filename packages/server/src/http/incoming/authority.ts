import type { IncomingMessage } from 'node:http'

/**
 * The host and port that the request names for this server; empty when it names none, as HTTP/1.0 may. Over HTTP/2 they are in
 * `:authority`, which a proxy may have left out for `Host` (RFC 9113, section 8.3.1). Two that differ make no authority.
 */
export function authorityOf({ headers: { ':authority': authority, host = '' } }: IncomingMessage): string {
  if (authority === undefined) return host
  return host === '' || host === authority ? String(authority) : `${String(authority)}, ${host}`
}

/** The address of this machine that the request came to; undefined over a UNIX socket, which has none. */
export function localAddressOf({ socket }: IncomingMessage): string | undefined {
  return socket.localAddress?.replace(/^::ffff:(?=\d+\.)/, '').replace(/%.*$/, '')
}

/**
 * The host of an authority (`example.com:80`) in the form in which browsers send it: lower case, IPv6 in brackets, no final
 * dot. Undefined when it is no authority.
 */
export function hostOf(authority: string): string | undefined {
  if (!/^[^\s/,@\\?#]+$/.test(authority) || !URL.canParse(`http://${authority}`)) return undefined
  return new URL(`http://${authority}`).hostname.replace(/(?<=.)\.$/, '')
}
