import { Log } from '@tidings/testkit/log'
import { until } from '@tidings/testkit/until'
import { RedisBackplane } from '../src/index.ts'
import { open, proxyTo, startRedis } from './open.ts'
import { RecordingFollower, RecordingNode } from './recording.ts'

import.meta.jest.setTimeout(30_000)

/** A node that claims the session `s` again when it is displaced. */
class ClaimingNode extends RecordingNode {
  /** The home of each claim, or why there is none. */
  readonly claimed: unknown[] = []
  readonly #backplane: RedisBackplane

  constructor(node: string, backplane: RedisBackplane) {
    super(node)
    this.#backplane = backplane
  }

  override displaced(): void {
    super.displaced()
    this.#backplane.claim('s', this.node, 60_000, 'as it was').then(
      ({ home }) => this.claimed.push(home),
      (err: unknown) => this.claimed.push(err),
    )
  }
}

test('a node that cannot reach Redis is gone after its lease, and displaced when it comes back', async () => {
  const redis = await startRedis()
  const proxy = await proxyTo(redis.port)
  const [far, near] = [open(proxy.port), open(redis.port)]
  const [a, b] = [new RecordingNode('a'), new RecordingNode('b')]
  await Promise.all([far.join(a), near.join(b)])
  await far.claim('s', 'a', 60_000, 'as it was')
  proxy.goDown()
  await until(() => b.lost.includes('a'), 'b hears that a is gone')
  await until(() => near.nodes().join() === 'b', 'b knows who is left')
  expect(far.health).toMatchObject({ status: 'degraded' })
  await until(() => far.certain('a') !== undefined, 'a doubts')
  await expect(far.certain('a')).rejects.toThrow('connection')
  expect(await near.adopt('s', 'b')).toEqual({ home: 'b', record: 'as it was' })
  proxy.heal()
  await until(() => a.displacements === 1, 'a is displaced')
  expect(await far.claim('s', 'a', 60_000)).toEqual({ home: 'b' })
  expect(await far.save('s', 'a', 'too late')).toBe(false)
  await until(() => far.health.status === 'connected', 'a is well')
  expect(far.certain('a')).toBeUndefined()
  await far.send('a', 'b', Buffer.from('again'))
  await until(() => b.mail.includes('again'), 'mail after')
})

test('a session is not called unknown while its home may not have said yet that it has it', async () => {
  const redis = await startRedis()
  const proxy = await proxyTo(redis.port)
  const [far, near] = [open(proxy.port), open(redis.port)]
  const a = new ClaimingNode('a', far)
  await Promise.all([far.join(a), near.join(new RecordingNode('b'))])
  await Promise.all([far.follow(new RecordingFollower()), near.follow(new RecordingFollower())])
  await far.claim('s', 'a', 60_000, 'as it was')
  proxy.delay('up', 20)
  await redis.command('flushall')
  let home: string | undefined
  await until(async () => {
    const place = await near.adopt('s', 'b').catch((err: Error) => err)
    if (place instanceof Error) expect(place.message).toContain('has lost what it knew')
    else home = place!.home
    return home !== undefined
  }, 'the home')
  expect(home).toBe('a')
  expect(await far.adopt('s', 'a')).toEqual({ home: 'a', record: 'as it was' })
  // In the end it is said of others that they are unknown.
  await until(
    async () => (await near.adopt('other', 'b').catch((err: Error) => err)) === undefined,
    'an answer',
  )
})

test.each(['flushall', 'a lease that ran out'])(
  'a node can claim its sessions as soon as it is told that it is displaced, by %s',
  async (fault) => {
    const redis = await startRedis()
    const proxy = await proxyTo(redis.port)
    const [far, near] = [open(proxy.port), open(redis.port)]
    const a = new ClaimingNode('a', far)
    const b = new RecordingNode('b')
    await Promise.all([far.join(a), near.join(b)])
    await far.claim('s', 'a', 60_000, 'as it was')
    proxy.goDown('reset')
    if (fault === 'flushall') await redis.command('flushall')
    else await until(() => b.lost.includes('a'), 'the lease')
    proxy.heal()
    await until(() => a.claimed.length > 0, 'the claim')
    expect(a.claimed).toEqual(['a'])
  },
)

test('mail that was under way when the connection was lost arrives once', async () => {
  const redis = await startRedis()
  const proxy = await proxyTo(redis.port)
  const [far, near] = [open(proxy.port, { leaseMs: 20_000 }), open(redis.port, { leaseMs: 20_000 })]
  const [a, b] = [new RecordingNode('a'), new RecordingNode('b')]
  await Promise.all([far.join(a), near.join(b)])
  const sent: Promise<void>[] = []
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 20; i++) sent.push(far.send('a', 'b', Buffer.from(`${round}.${i}`)))
    if (round % 5 === 2) proxy.cut({ how: 'reset' })
    await new Promise(setImmediate)
  }
  await Promise.all(sent)
  await until(() => b.mail.length === 400, 'all mail')
  expect(b.mail).toEqual(Array.from({ length: 400 }, (_, i) => `${Math.floor(i / 20)}.${i % 20}`))
  expect([a.lost, b.lost]).toEqual([[], []])
})

test('mail that a Redis which has gone back gives again is not taken again', async () => {
  const redis = await startRedis()
  const proxies = [await proxyTo(redis.port), await proxyTo(redis.port)] as const
  const [far, near] = proxies.map(({ port }) => open(port, { leaseMs: 20_000 })) as [
    RedisBackplane,
    RedisBackplane,
  ]
  const [a, b] = [new RecordingNode('a'), new RecordingNode('b')]
  await Promise.all([far.join(a), near.join(b)])
  await far.send('a', 'b', Buffer.from('before'))
  await until(() => b.mail.length === 1, 'the first')
  proxies[1].stall('down')
  await far.send('a', 'b', Buffer.from('once'))
  const replication = await proxyTo(redis.port)
  const replica = await startRedis({ replicaOf: replication.port })
  replication.goHalfOpen('down')
  proxies[1].heal()
  await until(() => b.mail.length === 2, 'the second')
  await redis.kill()
  await replica.promote()
  expect(Number(await replica.command('xlen', '{tidings}:mail:b'))).toBeGreaterThan(0)
  for (const proxy of proxies) proxy.target = replica.port
  await until(() => a.displacements === 1 && b.displacements === 1, 'both hear of it')
  await until(async () => (await replica.command('xlen', '{tidings}:mail:b')) === '0', 'the mail is read')
  await far.send('a', 'b', Buffer.from('after'))
  await until(() => b.mail.includes('after'), 'mail after')
  expect(b.mail).toEqual(['before', 'once', 'after'])
})

test('a connection that is open and silent is found, and another takes its place', async () => {
  const redis = await startRedis()
  const proxy = await proxyTo(redis.port)
  const far = open(proxy.port)
  const follower = new RecordingFollower()
  await far.follow(follower)
  await until(() => far.health.status === 'connected', 'it is well')
  proxy.goHalfOpen('both')
  await until(() => far.health.status === 'degraded', 'it is found')
  proxy.heal()
  open(redis.port).publish('a:1')
  await until(() => follower.knows('a:1'), 'the change')
  await until(() => far.health.status === 'connected', 'it is well again')
})

test('a Redis that stands still is found: what is asked fails, and goes on afterwards', async () => {
  const redis = await startRedis()
  const backplane = open(redis.port)
  const follower = new RecordingFollower()
  await backplane.follow(follower)
  await backplane.join(new RecordingNode('a'))
  redis.signal('SIGSTOP')
  await expect(backplane.adopt('s', 'a')).rejects.toThrow(/Redis/)
  backplane.publish('a:1')
  redis.signal('SIGCONT')
  await until(() => follower.knows('a:1'), 'the change')
})

test('nothing without an end is left in Redis but the order', async () => {
  const redis = await startRedis()
  const backplane = open(redis.port)
  await backplane.follow(new RecordingFollower())
  const [a, b] = [new RecordingNode('a'), new RecordingNode('b')]
  await backplane.join(a)
  await backplane.join(b)
  for (let i = 0; i < 50; i++) {
    backplane.publish(`a:${i}`)
    await backplane.claim(`s${i}`, 'a', 60_000, 'x'.repeat(400))
    await backplane.send('a', 'b', Buffer.from('mail'))
  }
  await until(() => b.mail.length === 50, 'the mail')
  const bytes = Number(await redis.command('memory', 'usage', '{tidings}:session:s1'))
  console.log(`a session with a record of 400 bytes takes ${bytes} bytes in Redis`)
  expect(bytes).toBeLessThanOrEqual(1024)
  await Promise.all([backplane.leave('a'), backplane.leave('b')])
  const keys = (await redis.command('keys', '*')).split('\n')
  const lasting = []
  for (const key of keys) if ((await redis.command('ttl', key)) === '-1') lasting.push(key)
  expect(lasting.sort()).toEqual(['{tidings}:log', '{tidings}:order', '{tidings}:topics'])
})

test('what belongs to nodes expires when all of them are gone at once', async () => {
  const redis = await startRedis()
  const proxy = await proxyTo(redis.port)
  const [one, two] = [open(proxy.port, { leaseMs: 500 }), open(proxy.port, { leaseMs: 500 })]
  const [a, b] = [new RecordingNode('a'), new RecordingNode('b')]
  await Promise.all([one.follow(new RecordingFollower()), one.join(a), two.join(b)])
  one.publish('a:1')
  await one.claim('s', 'a', 60_000, 'record')
  one.retire('a')
  await one.join(new RecordingNode('c'))
  await one.leave('c')
  await one.send('a', 'b', Buffer.from('mail'))
  proxy.goDown()
  const ofNodes = async () =>
    (await redis.command('keys', '*')).split('\n').filter((key) => /:(nodes|retired|mail.*)$/.test(key))
  expect(await ofNodes()).toContain('{tidings}:nodes')
  await until(async () => (await ofNodes()).length === 0, 'they expire')
  const lasting = []
  for (const key of (await redis.command('keys', '*')).split('\n')) {
    if ((await redis.command('ttl', key)) === '-1') lasting.push(key)
  }
  expect(lasting.sort()).toEqual(['{tidings}:log', '{tidings}:order', '{tidings}:topics'])
})

test('an unread mailbox is bounded: mail to a node that does not read is refused, and both hear of it', async () => {
  const redis = await startRedis()
  const [one, two] = [open(redis.port), open(redis.port)]
  const [a, b] = [new RecordingNode('a'), new RecordingNode('b')]
  await Promise.all([one.join(a), two.join(b)])
  await one.send('a', 'b', Buffer.from('before'))
  // What is unread is counted: as if b had left 64 MiB there.
  await redis.command('hset', '{tidings}:mail-bytes', 'b', String(64 * 1024 * 1024))
  await expect(one.send('a', 'b', Buffer.from('too much'))).rejects.toThrow('does not read')
  expect(a.lost).toEqual(['b'])
  await redis.command('hdel', '{tidings}:mail-bytes', 'b')
  await one.send('a', 'b', Buffer.from('now'))
  await until(() => b.mail.includes('now'), 'the mail')
})

test('who answers that a node is gone with mail to it is told once', async () => {
  const redis = await startRedis()
  const [one, two] = [open(redis.port), open(redis.port)]
  const [a, b] = [new RecordingNode('a'), new RecordingNode('b')]
  const failures: unknown[] = []
  b.gone = (node) => {
    b.lost.push(node)
    two.send('b', node, Buffer.from('reset')).catch((err: unknown) => failures.push(err))
  }
  await Promise.all([one.join(a), two.join(b)])
  await two.send('b', 'a', Buffer.from('hello'))
  await until(() => a.mail.length === 1, 'the mail')
  await one.leave('a')
  await until(() => failures.length > 0, 'the failure')
  for (let i = 0; i < 20; i++) await two.adopt('none', 'b')
  expect([b.lost, failures.length]).toEqual([['a'], 1])
})

test('wrong options are named', () => {
  expect(() => new RedisBackplane({} as never)).toThrow('{ url } or { client }')
  const url = 'redis://127.0.0.1:1'
  expect(() => new RedisBackplane({ url }, { leaseMs: 10 })).toThrow('leaseMs')
  expect(() => new RedisBackplane({ url }, { namespace: '{a}' })).toThrow('namespace')
})

test('without Redis it says so, and begins when there is one', async () => {
  const redis = await startRedis()
  await redis.stop()
  const log = new Log()
  const backplane = open(redis.port, { logger: log })
  const follower = new RecordingFollower()
  const following = backplane.follow(follower)
  backplane.publish('a:1')
  await until(() => backplane.health.reason?.includes('ECONNREFUSED') === true, 'it says why')
  await redis.start()
  await following
  await until(() => follower.knows('a:1'), 'the change')
})
