import { parseCatalogue, revisionsOf } from '../../src/suite/catalogue.ts'
import { leftOut, withoutLeftOut } from '../../src/suite/left-out.ts'

const list = `Server scenarios (test against a server):
  - ping [2025-06-18,2025-11-25]
  - caching [2026-07-28]

Client scenarios (test against a client):
  - initialize [2025-06-18]
  - auth/basic-cimd [2025-11-25,2026-07-28]

Authorization server scenarios (test against an authorization server):
  - authorization-code-grant [2025-03-26]
`

/** A catalogue of everything that is left out, and of these server scenarios. */
function catalogueWith(scenarios: Record<string, string[]>) {
  const all = (names: string[]) => names.map((name): [string, string[]] => [name, ['extension']])
  return {
    server: new Map([...all(leftOut.server), ...Object.entries(scenarios)]),
    client: new Map(all(leftOut.client)),
  }
}

test('the list of the suite is read, side by side, without the scenarios for authorization servers', () => {
  const { server, client } = parseCatalogue(list)
  expect([...server]).toEqual([
    ['ping', ['2025-06-18', '2025-11-25']],
    ['caching', ['2026-07-28']],
  ])
  expect([...client]).toEqual([
    ['initialize', ['2025-06-18']],
    ['auth/basic-cimd', ['2025-11-25', '2026-07-28']],
  ])
  expect(revisionsOf(server)).toEqual(['2025-06-18', '2025-11-25', '2026-07-28'])
})

test('what is no list is told as it is', () => {
  expect(() => parseCatalogue('SyntaxError: no export named globSync')).toThrow('no export named globSync')
})

test('what is left out by name is not run, and all else is', () => {
  const { server, client } = withoutLeftOut(catalogueWith({ ping: ['2025-11-25'] }))
  expect([...server]).toEqual([['ping', ['2025-11-25']]])
  expect([...client]).toEqual([])
})

test('a name that is left out must be one that the suite has', () => {
  expect(() => withoutLeftOut(parseCatalogue(list))).toThrow('not in the suite: tasks-lifecycle')
})

test('a scenario that would never be run must be left out by name', () => {
  expect(() => withoutLeftOut(catalogueWith({ 'new-thing': ['extension'] }))).toThrow('new-thing')
})
