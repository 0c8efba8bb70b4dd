import { until } from '@tidings/testkit/until'
import { RecordingFollower, RecordingNode } from './recording.ts'
import { open, startRedis } from './open.ts'

import.meta.jest.setTimeout(30_000)

test('changes and mail keep their order, and come once, while Redis forgets its scripts', async () => {
  const redis = await startRedis()
  const [one, two] = [open(redis.port, { leaseMs: 5_000 }), open(redis.port, { leaseMs: 5_000 })]
  const follower = new RecordingFollower()
  const [a, b] = [new RecordingNode('a'), new RecordingNode('b')]
  await Promise.all([two.follow(follower), one.join(a), two.join(b)])
  const expected = Array.from({ length: 300 }, (_, i) => `a:${i}`)
  const sent: Promise<void>[] = []
  const flushes: Promise<string>[] = []
  for (const [i, topic] of expected.entries()) {
    if (i % 30 === 0) flushes.push(redis.command('script', 'flush'))
    one.publish(topic)
    sent.push(one.send('a', 'b', Buffer.from(topic)))
    await one.adopt('none', 'a')
  }
  await Promise.all([...sent, ...flushes])
  await until(() => follower.told.length >= expected.length && b.mail.length >= expected.length, 'all of it')
  expect(follower.told).toEqual(expected)
  expect(b.mail).toEqual(expected)
  expect([a.lost, b.lost, follower.snapshots.length]).toEqual([[], [], 1])
})

test('what is asked of one session takes effect in the order of asking, though Redis has forgotten a script', async () => {
  const redis = await startRedis()
  const backplane = open(redis.port, { leaseMs: 5_000 })
  await backplane.join(new RecordingNode('a'))
  await backplane.claim('s', 'a', 60_000, 'first')
  await backplane.save('s', 'a', 'second')
  await redis.command('script', 'flush')
  // Redis knows this script again, and not the others.
  await backplane.claim('other', 'a', 60_000, 'other')
  backplane.release('s', 'a')
  const claimed = backplane.claim('s', 'a', 60_000, 'anew')
  const saved = backplane.save('s', 'a', 'last')
  expect(await claimed).toEqual({ home: 'a', record: 'anew' })
  expect(await saved).toBe(true)
  expect(await backplane.adopt('s', 'a')).toEqual({ home: 'a', record: 'last' })
})
