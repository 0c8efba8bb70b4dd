import fc from 'fast-check'

/** The number of generated inputs of all tests together. `HOSTILE_INPUTS=5000000` makes a long run. */
const allInputs = Number(process.env['HOSTILE_INPUTS'] ?? 100_000)
/** The seed of a failure, to see it again. */
const seed = process.env['HOSTILE_SEED'] === undefined ? {} : { seed: Number(process.env['HOSTILE_SEED']) }
const batch = 50

/** A share of all inputs, for the name of a test, and the time it may take. */
export function inputsOf(share: number): { inputs: number; timeoutMs: number } {
  const inputs = Math.ceil((allInputs * share) / batch) * batch
  return { inputs, timeoutMs: 60_000 + inputs * 10 }
}

/**
 * Checks that something holds for as many inputs. The inputs of a batch are under way at once.
 *
 * @throws {Error} with the first input for which it does not hold, and the seed.
 */
export async function forInputs<T>(
  inputs: number,
  arbitrary: fc.Arbitrary<T>,
  holds: (input: T) => unknown,
): Promise<void> {
  let failure: Error | undefined
  const batches = fc.array(arbitrary, { minLength: batch, maxLength: batch })
  const property = fc.asyncProperty(batches, async (all) => {
    const check = async (input: T) => {
      try {
        await holds(input)
      } catch (cause) {
        failure ??= new Error(`Does not hold for ${fc.stringify(input).slice(0, 1_000)}`, { cause })
      }
    }
    await Promise.all(all.map(check))
    return failure === undefined
  })
  const { seed: used } = await fc.check(property, { numRuns: inputs / batch, endOnFailure: true, ...seed })
  if (failure === undefined) return
  failure.message += `\nAgain with HOSTILE_SEED=${used}`
  throw failure
}
