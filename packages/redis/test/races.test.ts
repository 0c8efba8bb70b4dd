import { createClient } from '@redis/client'
import { defer } from '@tidings/testkit/disposers'
import { deferred } from '@tidings/testkit/deferred'
import { Log } from '@tidings/testkit/log'
import { until } from '@tidings/testkit/until'
import { RedisBackplane, type RedisClient } from '../src/index.ts'
import { open, startRedis } from './open.ts'
import { RecordingFollower, RecordingNode } from './recording.ts'

import.meta.jest.setTimeout(30_000)

type Given = Parameters<RedisClient['evalSha']>[1]

/** A real client, whose answers to scripts arrive when `arrives` says so. */
function clientWith(url: string, arrives: (given: Given) => Promise<void> | undefined): RedisClient {
  const client = createClient({ url, socket: { reconnectStrategy: false } }) as unknown as RedisClient
  const evalSha = client.evalSha.bind(client)
  client.evalSha = async (sha, given) => {
    const answer = await evalSha(sha, given)
    await arrives(given)
    return answer
  }
  client.duplicate = () => clientWith(url, arrives)
  return client
}

test('a follower misses nothing that is read while its snapshot is on its way', async () => {
  const redis = await startRedis()
  const [asked, arrives] = [deferred(), deferred<void>()]
  let isHeld = false
  const client = clientWith(redis.url, (given) => {
    const isSnapshot = given.keys[1]?.endsWith(':topics') === true && given.arguments.length === 0
    if (!isHeld || !isSnapshot) return undefined
    asked.resolve()
    return arrives.promise
  })
  const backplane = defer(new RedisBackplane({ client }, { logger: new Log() }), (each) => each.close())
  const [early, late] = [new RecordingFollower(), new RecordingFollower()]
  await backplane.follow(early)
  isHeld = true
  const following = backplane.follow(late)
  await asked.promise
  const other = open(redis.port)
  for (const i of [1, 2, 3]) {
    other.publish(`a:${i}`)
    await until(() => early.told.length === i, `change ${i}`)
  }
  arrives.resolve()
  await following
  other.publish('a:4')
  await until(() => late.told.length === 4, 'all four')
  expect(late.told).toEqual(['a:1', 'a:2', 'a:3', 'a:4'])
})

test('a node that joins while leases are being renewed is a node when join() resolves', async () => {
  const redis = await startRedis()
  let held: ReturnType<typeof deferred<void>> | undefined
  const asked = deferred()
  const client = clientWith(redis.url, (given) => {
    const isRenewal = given.keys[0]?.endsWith(':nodes') === true && given.keys[1]?.endsWith(':order') === true
    if (!isRenewal || held === undefined) return undefined
    asked.resolve()
    return held.promise
  })
  const backplane = defer(new RedisBackplane({ client }, { logger: new Log() }), (each) => each.close())
  await backplane.join(new RecordingNode('a'))
  held = deferred<void>()
  await asked.promise
  const joining = backplane.join(new RecordingNode('b'))
  held.resolve()
  held = undefined
  await joining
  expect(backplane.nodes()).toContain('b')
  expect(await redis.command('zrange', '{tidings}:nodes', '0', '-1')).toContain('b')
  expect(backplane.certain('b')).toBeUndefined()
})

test('each batch in the log has a name of its own', async () => {
  const redis = await startRedis()
  const backplane = open(redis.port)
  const follower = new RecordingFollower()
  await backplane.follow(follower)
  for (const i of [1, 2]) {
    backplane.publish(`a:${i}`)
    await until(() => follower.told.length === i, `change ${i}`)
  }
  const names = (await redis.command('xrange', '{tidings}:log', '-', '+'))
    .split('\n')
    .filter((_, i, lines) => lines[i - 1] === 'batch')
  expect(new Set(names).size).toBe(2)
})
