import { createClient } from '@redis/client'
import { defer } from '@tidings/testkit/disposers'
import { Log } from '@tidings/testkit/log'
import { until } from '@tidings/testkit/until'
import { RedisBackplane, type RedisClient } from '../src/index.ts'
import { startRedis } from './open.ts'
import { RecordingFollower, RecordingNode } from './recording.ts'

import.meta.jest.setTimeout(30_000)

/** Uses all that a backplane does: leases, changes, sessions, mail. */
async function works(client: RedisClient): Promise<void> {
  const open = () =>
    defer(new RedisBackplane({ client }, { logger: new Log() }), (backplane) => backplane.close())
  const [one, two] = [open(), open()]
  const [a, b] = [new RecordingNode('a'), new RecordingNode('b')]
  const follower = new RecordingFollower()
  await Promise.all([one.join(a), two.join(b), two.follow(follower)])
  one.publish('a:1')
  await until(() => follower.knows('a:1'), 'the change')
  expect(await one.claim('s', 'a', 60_000, 'record')).toEqual({ home: 'a', record: 'record' })
  expect(await one.save('s', 'a', 'saved')).toBe(true)
  expect(await one.handOver('s', 'a', 'handed over')).toBe('b')
  expect(await two.adopt('s', 'b')).toEqual({ home: 'b', record: 'handed over' })
  two.release('s', 'b')
  await one.send('a', 'b', Buffer.from('mail'))
  await until(() => b.mail.includes('mail'), 'the mail')
  one.retire('a')
  await one.leave('a')
  await until(() => b.lost.includes('a'), 'b hears that a is gone')
  await until(() => two.health.status === 'connected', 'it is well')
}

test('a client of the application', async () => {
  const redis = await startRedis()
  await works(createClient({ url: redis.url }))
})

test('a user with the permissions of the README', async () => {
  const redis = await startRedis()
  const rights = '~{tidings}:* +@read +@write +@scripting +@connection +info +time'.split(' ')
  await redis.command('acl', 'setuser', 'tidings', 'on', '>secret', ...rights)
  const url = redis.url.replace('//', '//tidings:secret@')
  await works(createClient({ url }))
})
