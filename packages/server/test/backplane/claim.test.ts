import { deferred } from '@tidings/testkit/deferred'
import { start } from '../harness/start.ts'
import { MemoryBackplane, type SessionPlace } from '../../src/index.ts'

/** Takes its time to say whose a session is. */
class SlowClaims extends MemoryBackplane {
  readonly asked = deferred()
  readonly goOn = deferred()

  override async claim(session: string, node: string, keepMs: number): Promise<SessionPlace> {
    this.asked.resolve()
    await this.goOn.promise
    return super.claim(session, node, keepMs)
  }
}

test('a stream is not opened for a session that ends while its home is being settled', async () => {
  const backplane = new SlowClaims()
  const { url, server } = await start(() => {}, {}, { backplane })
  const opening = fetch(`${url}/sse`, { headers: { Accept: 'text/event-stream' } })
  await backplane.asked.promise
  await server.close()
  backplane.goOn.resolve()
  const response = await opening
  expect([response.status, response.headers.get('Retry-After')]).toEqual([503, '1'])
})
