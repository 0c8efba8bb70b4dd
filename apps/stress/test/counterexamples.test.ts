import type { TransportName } from '@tidings/client'
import { transports } from '../src/wire/transport-shapes.ts'
import type { Command } from './model/commands.ts'
import { slowDown, speedUp } from './model/fast-time.ts'
import { World } from './model/world.ts'

beforeAll(() => speedUp(100))
afterAll(() => slowDown())

/** What the model has found, at its shortest. */
const found: { what: string; transports: readonly TransportName[]; commands: Command[] }[] = [
  {
    what: 'a watch whose subscription gets no answer in time, as its connection is dead, goes on trying',
    transports,
    commands: [
      { do: 'go half-open', side: 'client', directions: 'down' },
      { do: 'pass', ms: 3_000 },
    ],
  },
  {
    what: 'a stream that is dead before the server has kept it alive is noticed as well',
    transports,
    commands: [
      { do: 'pass', ms: 3_000 },
      { do: 'go half-open', side: 'client', directions: 'down' },
      { do: 'publish', name: 'a', times: 1 },
    ],
  },
]

/** What chance seldom comes to. */
const seldom: typeof found = [
  {
    what: 'what changes while a socket is full is told when it no longer is',
    transports,
    commands: [
      { do: 'watch', name: 'long' },
      { do: 'pass', ms: 3_000 },
      { do: 'stall', side: 'client', directions: 'down' },
      { do: 'stall', side: 'reader', directions: 'down' },
      { do: 'publish', name: 'long', times: 2_000 },
    ],
  },
]

const tests = [...found, ...seldom].flatMap(({ transports, ...test }) =>
  transports.map((transport) => ({ ...test, transport })),
)

test.each(tests)(
  '$transport: $what',
  async ({ transport, commands }) => {
    const world = await World.make(transport)
    try {
      for (const command of commands) await world.run(command)
      await world.settle()
    } finally {
      await world.close()
    }
  },
  60_000,
)
