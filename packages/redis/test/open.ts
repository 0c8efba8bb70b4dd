import { defer } from '@tidings/testkit/disposers'
import { Log } from '@tidings/testkit/log'
import { RedisServer } from '@tidings/testkit/redis-server'
import { TcpProxy } from '@tidings/testkit/tcp-proxy'
import { RedisBackplane, type RedisBackplaneOptions } from '../src/index.ts'

/** A Redis of this test. */
export async function startRedis(options?: Parameters<typeof RedisServer.start>[0]): Promise<RedisServer> {
  return defer(await RedisServer.start(options), (server) => server.close())
}

/** A backplane on the Redis of the port, closed after the test. */
export function open(port: number, options: RedisBackplaneOptions = {}): RedisBackplane {
  const url = `redis://127.0.0.1:${port}`
  const backplane = new RedisBackplane({ url }, { leaseMs: 600, logger: new Log(), ...options })
  return defer(backplane, (each) => each.close())
}

/** A bad network to Redis, closed after the test. */
export async function proxyTo(port: number): Promise<TcpProxy> {
  return defer(await TcpProxy.to(port), (proxy) => proxy.close())
}
