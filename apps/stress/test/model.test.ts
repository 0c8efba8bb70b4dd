import * as fc from 'fast-check'
import { transports } from '../src/wire/transport-shapes.ts'
import { commands } from './model/commands.ts'
import { slowDown, speedUp } from './model/fast-time.ts'
import { World } from './model/world.ts'

// MODEL_RUNS and MODEL_SEED have it look further, or again at what it found.
const numRuns = Number(process.env.MODEL_RUNS ?? 25)
const seed = Number(process.env.MODEL_SEED ?? 1)

beforeAll(() => speedUp(100))
afterAll(() => slowDown())

test.each(transports)(
  '%s: whatever happens, in the end all is known, and nothing was told twice or out of order',
  async (transport) => {
    const property = fc.asyncProperty(commands, async (commands) => {
      const world = await World.make(transport)
      try {
        for (const command of commands) await world.run(command)
        await world.settle()
      } finally {
        await world.close()
      }
    })
    await fc.assert(property, { numRuns, seed, interruptAfterTimeLimit: 600_000 })
  },
  900_000,
)
