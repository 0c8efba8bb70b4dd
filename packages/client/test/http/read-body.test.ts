import type { HttpResponse } from '../../src/http/http-client.ts'
import { readAll, readStart } from '../../src/http/read-body.ts'
import { shortPieces } from '../harness/short-pieces.ts'

test.each([
  ['a whole body', (response: HttpResponse) => readAll(response, 1e6, () => false)],
  ['the start of a body', (response: HttpResponse) => readStart(response, 1e6)],
])('%s in many short pieces is held in little more memory than its characters', async (_what, reading) => {
  const { response, gained } = shortPieces(60_000)
  const text = await reading(response)
  expect(text).toHaveLength(120_000)
  expect(text.slice(0, 6)).toBe('111213')
  expect(gained.bytes).toBeLessThan(1.2e6)
})
