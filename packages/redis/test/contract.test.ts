import { RedisServer } from '@tidings/testkit/redis-server'

import { backplaneContract } from '@tidings/server/backplane-contract'
import { RedisBackplane } from '../src/index.ts'

import.meta.jest.setTimeout(30_000)

let redis: RedisServer
beforeAll(async () => {
  redis = await RedisServer.start()
})
afterAll(() => redis.close())

let stores = 0

backplaneContract(
  'RedisBackplane',
  async () => {
    const namespace = `store-${++stores}`
    const open: RedisBackplane[] = []
    return {
      async connect() {
        const backplane = new RedisBackplane({ url: redis.url }, { namespace })
        open.push(backplane)
        return backplane
      },
      async close() {
        await Promise.all(open.map((backplane) => backplane.close()))
      },
    }
  },
  { runs: 10 },
)
