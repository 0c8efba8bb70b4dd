import fc from 'fast-check'
import { pageOf } from '../../src/capabilities/pages.ts'
import { connectRaw } from '../harness/raw-client.ts'
import { start } from '../harness/start.ts'

test('every list comes in pages of the size that was set, and whole when they are put together', async () => {
  const { url } = await start(
    (server) => {
      for (let i = 0; i < 5; i++) {
        server.tool(`t${i}`, {}, () => ({ content: [] }))
        server.prompt(`p${i}`, {}, () => ({ messages: [] }))
        server.template(`x${i}:{a}`, { list: () => [{ uri: `x${i}:1`, name: `of x${i}` }] }, () => '')
        server.resource(`r:${i}`, {}, () => '')
      }
    },
    {},
    { pageSize: 2 },
  )
  const client = await connectRaw(url)
  for (const [method, key, sizes] of [
    ['tools/list', 'tools', [2, 2, 1]],
    ['prompts/list', 'prompts', [2, 2, 1]],
    ['resources/templates/list', 'resourceTemplates', [2, 2, 1]],
    ['resources/list', 'resources', [2, 2, 2, 2, 2]],
  ] as const) {
    const pages: object[][] = []
    let cursor: string | undefined
    do {
      const { result } = await client.request(method, cursor === undefined ? undefined : { cursor })
      pages.push(result[key])
      cursor = result.nextCursor
    } while (cursor !== undefined)
    expect(pages.map(({ length }) => length)).toEqual(sizes)
    expect(new Set(pages.flat().map((entry) => JSON.stringify(entry))).size).toBe(pages.flat().length)
  }
})

test('a list comes whole when no page size was set', async () => {
  const { url } = await start((server) => {
    for (let i = 0; i < 1_000; i++) server.resource(`r:${i}`, {}, () => '')
  })
  const { result } = await (await connectRaw(url)).request('resources/list')
  expect(result.resources).toHaveLength(1_000)
  expect(result).not.toHaveProperty('nextCursor')
})

test('a cursor that is none of ours is refused', async () => {
  const { url } = await start()
  const client = await connectRaw(url)
  for (const cursor of ['', 'nope', '1', 'ZnJvbSAtMQ', '__proto__', 'x'.repeat(10_000)])
    for (const list of ['tools', 'prompts', 'resources', 'resources/templates']) {
      const { error } = await client.request(`${list}/list`, { cursor })
      expect(error).toEqual({ code: -32602, message: expect.stringMatching(/^Unknown cursor ".{0,100}"$/) })
    }
})

test('a cursor beyond the end of a list that has shrunk gives an empty last page', () => {
  const { nextCursor } = pageOf([1, 2, 3], undefined, 2)
  expect(pageOf([1], nextCursor, 2)).toEqual({ page: [] })
})

test('pages of any size are the list', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.integer({ min: 1, max: 20 }), (all, pageSize) => {
      const read: number[] = []
      let cursor: string | undefined
      do {
        const { page, nextCursor } = pageOf(all, cursor, pageSize)
        expect(page.length > 0 || all.length === 0).toBe(true)
        read.push(...page)
        cursor = nextCursor
      } while (cursor !== undefined)
      expect(read).toEqual(all)
    }),
  )
})
