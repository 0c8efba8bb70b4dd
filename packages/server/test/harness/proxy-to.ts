import { defer } from '@tidings/testkit/disposers'
import { TcpProxy } from '@tidings/testkit/tcp-proxy'

/** A network between a client and a server at a port of this machine; closed after the test. */
export async function proxyTo(port: number): Promise<TcpProxy> {
  return defer(await TcpProxy.to(port), (proxy) => proxy.close())
}
