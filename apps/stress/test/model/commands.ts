import * as fc from 'fast-check'
import type { Directions } from '@tidings/testkit/tcp-proxy'
import type { Name } from './truth.ts'

/** Whose network it is that something happens to: the bare reader's, or our client's. */
export type Side = 'reader' | 'client'

/** What can be wrong with a network. */
export type NetworkFault = { side: Side } & (
  | { do: 'cut'; how: 'reset' | 'fin' }
  | { do: 'go half-open' | 'write one by one' | 'stall'; directions: Directions }
  | { do: 'delay'; directions: Directions; ms: number }
  | { do: 'refuse' | 'hold next' | 'heal' }
)

/** What can happen. */
export type Command =
  | NetworkFault
  | { do: 'publish'; name: Name; times: number }
  | { do: 'watch' | 'unwatch'; name: Name }
  | { do: 'ping' }
  | { do: 'end session of'; whose: Side }
  | { do: 'restart'; how: 'gracefully' | 'abruptly' }
  | { do: 'pass'; ms: number }

const name = fc.constantFrom<Name>('a', 'b', 'long')
const side = fc.constantFrom<Side>('client', 'reader')
const directions = fc.constantFrom<Directions>('down', 'up', 'both')
const what = <T extends Command['do']>(value: T) => fc.constant(value)

const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: what('publish'), name, times: fc.constantFrom(1, 2) }) },
  // More than a socket takes.
  { weight: 1, arbitrary: fc.record({ do: what('publish'), name, times: fc.constant(1_000) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('watch', 'unwatch'), name }) },
  { weight: 2, arbitrary: fc.record({ do: what('ping') }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: what('pass'), ms: fc.constantFrom(0, 300, 1_000, 3_000, 20_000) }),
  },
  { weight: 4, arbitrary: fc.record({ do: what('cut'), side, how: fc.constantFrom('reset', 'fin') }) },
  { weight: 1, arbitrary: fc.record({ do: what('go half-open'), side, directions }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: what('delay'),
      side,
      directions,
      ms: fc.constantFrom(50, 500, 5_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: what('write one by one'), side, directions }) },
  { weight: 2, arbitrary: fc.record({ do: what('stall'), side, directions }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('refuse', 'hold next'), side }) },
  { weight: 1, arbitrary: fc.record({ do: what('end session of'), whose: side }) },
  { weight: 3, arbitrary: fc.record({ do: what('heal'), side }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: what('restart'), how: fc.constantFrom('gracefully', 'abruptly') }),
  },
)

/** Things that happen one after the other. */
export const commands: fc.Arbitrary<Command[]> = fc.array(command, { minLength: 1, maxLength: 25 })
