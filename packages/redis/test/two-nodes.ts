import { defer } from '@tidings/testkit/disposers'
import { Log } from '@tidings/testkit/log'
import type { RedisServer } from '@tidings/testkit/redis-server'
import { until } from '@tidings/testkit/until'
import { RedisBackplane, type RedisClient } from '../src/index.ts'
import { RecordingFollower, RecordingNode } from './recording.ts'

/** The time that a failover may take, with the way of the clients to the new master. */
export const failoverWithinMs = 20_000

/** A node of a process of its own, and what it was told. */
export interface Member {
  readonly backplane: RedisBackplane
  readonly node: RecordingNode
  readonly follower: RecordingFollower
}

/** Two nodes, `a` and `b`, with a client of the application each. */
export async function joinTwo(client: RedisClient): Promise<readonly [Member, Member]> {
  return [await join(client, 'a'), await join(client, 'b')]
}

async function join(client: RedisClient, name: string): Promise<Member> {
  const backplane = new RedisBackplane({ client }, { leaseMs: 1_000, logger: new Log() })
  defer(backplane, (each) => each.close())
  const [node, follower] = [new RecordingNode(name), new RecordingFollower()]
  await Promise.all([backplane.join(node), backplane.follow(follower)])
  return { backplane, node, follower }
}

/** A replica that has started since the last write cannot be told from a server that was restarted. */
export async function untilOlder(replica: RedisServer, master: RedisServer): Promise<void> {
  const read = async (of: string, what: RegExp) => Number(what.exec(await replica.command('info', of))![1])
  const isOlder = async () => {
    const uptimeMs = 1_000 * (await read('server', /uptime_in_seconds:(\d+)/))
    const writtenAt = Number(await master.command('hget', '{tidings}:order', 'writtenAt'))
    return writtenAt > Date.now() - uptimeMs + 2_000
  }
  await until(isOlder, 'the replica has been there for a while')
}

/**
 * The epoch is another for all, so that no change before it is missed; those after it are told, and mail arrives.
 *
 * @param epoch the former one.
 */
export async function goesOnAnew(
  members: readonly [Member, Member],
  epoch: string | undefined,
): Promise<void> {
  const [a, b] = members
  const isAnother = () => members.every(({ follower }) => follower.epoch !== epoch)
  await until(isAnother, 'another epoch', failoverWithinMs)
  await until(() => a.follower.epoch === b.follower.epoch, 'one epoch')
  await until(
    () => members.every(({ node }) => node.displacements > 0),
    'the nodes claim their sessions anew',
  )
  for (const { backplane, node } of members) {
    const topic = `after:${node.node}`
    backplane.publish(topic)
    await until(() => members.every(({ follower }) => follower.knows(topic)), 'a change after')
  }
  await until(() => a.backplane.nodes().length === 2, 'both are nodes')
  await a.backplane.send('a', 'b', Buffer.from('mail'))
  await until(() => b.node.mail.includes('mail'), 'mail after')
  await until(() => members.every(({ backplane }) => backplane.health.status === 'connected'), 'it is well')
}
