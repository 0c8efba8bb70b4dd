import { readAll } from '../../src/http/read-body.ts'
import { shortPieces } from '../harness/short-pieces.ts'

// Many short pieces take their time on a busy machine.
import.meta.jest.setTimeout(30_000)

test('a body in many short pieces is held in little more memory than its characters', async () => {
  const { response, gained } = shortPieces(20_000)
  const text = await readAll(response, 1e6, () => false)
  expect(text).toHaveLength(40_000)
  expect(text.slice(0, 6)).toBe('111213')
  // Each piece alone would take 32 bytes at least.
  expect(gained.bytes).toBeLessThan(500_000)
})
