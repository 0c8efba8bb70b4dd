import { defaultJsonBounds } from '@tidings/protocol'
import { Log } from '@tidings/testkit/log'
import { MemoryBackplane } from '../../../src/index.ts'
import { limitsOf } from '../../../src/limits.ts'
import { Relay } from '../../../src/http/relay/relay.ts'

test('the homes of 10,000 sessions are remembered: the oldest is looked up again', async () => {
  const backplane = new MemoryBackplane()
  const looked: string[] = []
  backplane.adopt = (id) => {
    looked.push(id)
    return Promise.resolve({ home: 'elsewhere' })
  }
  const sessions = { has: () => false, closing: false, reclaiming: undefined }
  const relay = new Relay({
    backplane,
    node: 'here',
    sessions: sessions as never,
    limits: limitsOf(undefined),
    logger: new Log(),
    bodyBounds: defaultJsonBounds,
    endPrincipal: () => {},
  })
  for (let i = 0; i <= 10_000; i++) relay.remember(`s${i}`, 'elsewhere')
  const request = {} as never
  const homes = await Promise.all(
    ['s0', 's10000'].map((id) => relay.otherHomeOf(id, false, request, request)),
  )
  expect([homes, looked]).toEqual([['elsewhere', 'elsewhere'], ['s0']])
})
