import { backplaneContract } from '../../src/backplane-contract/index.ts'
import { ClusterConnection } from '../../src/backplane/cluster-connection.ts'
import { ClusterStore } from '../../src/backplane/cluster-store.ts'

/** A worker on a channel of this process, whose messages take a turn and the form that IPC gives them. */
function connect(store: ClusterStore): ClusterConnection {
  const link = store.connect((steps, left) => {
    const json = JSON.stringify(steps)
    setImmediate(() => {
      connection.receive(JSON.parse(json))
      left()
    })
  })
  const connection = new ClusterConnection((steps) => {
    const json = JSON.stringify(steps)
    setImmediate(() => link.receive(JSON.parse(json)))
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
