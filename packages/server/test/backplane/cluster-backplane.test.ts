import { until } from '@tidings/testkit/until'
import { backplaneContract } from '../../src/backplane-contract/index.ts'
import { ClusterConnection } from '../../src/backplane/cluster-connection.ts'
import { ClusterStore } from '../../src/backplane/cluster-store.ts'

/** Messages of a worker that its primary has not read. */
type Unread = (() => void)[]

/**
 * A worker on a channel of this process, whose messages take a turn and the form that IPC gives them.
 *
 * @param unread takes what the worker sends, in place of the primary.
 */
function connect(store: ClusterStore, unread?: () => Unread | undefined): ClusterConnection {
  const link = store.connect((steps, left) => {
    const json = JSON.stringify(steps)
    setImmediate(() => {
      connection.receive(JSON.parse(json))
      left()
    })
  })
  const connection = new ClusterConnection((steps) => {
    const json = JSON.stringify(steps)
    const read = () => link.receive(JSON.parse(json))
    const waiting = unread?.()
    if (waiting === undefined) setImmediate(read)
    else waiting.push(read)
  })
  return connection
}

backplaneContract(
  'ClusterBackplane',
  async () => {
    const store = new ClusterStore(3_000)
    const connections: ClusterConnection[] = []
    return {
      connect: async () => {
        const connection = connect(store)
        connections.push(connection)
        return connection
      },
      close: async () => {
        for (const connection of connections) connection.close()
      },
    }
  },
  { runs: 20 },
)

test('a topic that is published again in a turn is told once, where it was published last', async () => {
  const connection = connect(new ClusterStore(3_000))
  const told: string[] = []
  await connection.follow({ resync: () => {}, changed: (topic) => told.push(topic) })
  for (const topic of ['a', 'b', 'a', 'c']) connection.publish(topic)
  // An answer comes after all that was asked before.
  await connection.adopt('none', 'node')
  expect(told).toEqual(['b', 'a', 'c'])
  connection.close()
})

test('what is asked of a primary that has stopped fails in words, takes no memory, and is done when it goes on', async () => {
  let unread: Unread | undefined
  const store = new ClusterStore(300)
  const [connection, other] = [connect(store, () => unread), connect(store)]
  const told: string[] = []
  const follower = { resync: () => {}, changed: (topic: string) => told.push(topic) }
  await Promise.all([connection.follow(follower), connection.join(aNode('a')), other.join(aNode('b'))])
  const stopped: Unread = []
  unread = stopped
  const words = /^No answer within 2000 ms: the primary of the cluster does not answer/
  await until(() => connection.certain() !== undefined, 'doubt')
  await expect(connection.certain()).rejects.toThrow(words)
  await expect(connection.claim('s', 'a', 1_000)).rejects.toThrow(words)
  expect(connection.health).toMatchObject({ status: 'degraded' })
  const sent = stopped.length
  for (let n = 0; n < 10_000; n++) {
    connection.publish(`topic ${n % 100}`)
    await Promise.resolve()
  }
  expect(stopped).toHaveLength(sent)

  unread = undefined
  for (const read of stopped) read()
  await until(() => told.length > 0, 'the changes')
  expect(told).toHaveLength(100)
  expect(connection.certain()).toBeUndefined()
  expect(await connection.claim('s', 'b', 1_000)).toEqual({ home: 'b' })
  for (const each of [connection, other]) each.close()
})

const aNode = (node: string) => ({ node, receive: () => {}, gone: () => {}, displaced: () => {} })
