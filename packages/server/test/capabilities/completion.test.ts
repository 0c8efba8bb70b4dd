import * as z from 'zod'
import { connectRaw, type RawClient } from '../harness/raw-client.ts'
import { start } from '../harness/start.ts'

const prompt = (name: string) => ({ type: 'ref/prompt', name })
const template = (uri: string) => ({ type: 'ref/resource', uri })

function complete(client: RawClient, ref: object, name: string, value: string, args?: object): Promise<any> {
  const context = args && { context: { arguments: args } }
  return client.request('completion/complete', { ref, argument: { name, value }, ...context })
}

test('an argument of a prompt is completed from what was typed and what is filled in', async () => {
  const { url } = await start((server) =>
    server.prompt(
      'travel',
      {
        input: z.object({ country: z.string(), city: z.string() }),
        complete: {
          city: async (value, { arguments: { country = '?' }, request }) => [
            `${value}|${country}|${request.client.revision}`,
          ],
        },
      },
      () => ({ messages: [] }),
    ),
  )
  const client = await connectRaw(url)
  expect((await complete(client, prompt('travel'), 'city', 'Pa', { country: 'fr' })).result).toEqual({
    completion: { values: ['Pa|fr|2024-11-05'], total: 1, hasMore: false },
  })
  expect((await complete(client, prompt('travel'), 'city', '')).result.completion.values).toEqual([
    '|?|2024-11-05',
  ])
})

test('a variable of a template is completed', async () => {
  const { url } = await start((server) => {
    const names = ['apple', 'apricot', 'pear']
    server.template(
      'note:///{name}{?v}',
      { complete: { name: (value) => names.filter((name) => name.startsWith(value)), v: () => ['1'] } },
      () => '',
    )
  })
  const client = await connectRaw(url)
  const ref = template('note:///{name}{?v}')
  expect((await complete(client, ref, 'name', 'ap')).result.completion.values).toEqual(['apple', 'apricot'])
  expect((await complete(client, ref, 'v', '')).result.completion.values).toEqual(['1'])
})

test('the first hundred values are sent, and how many there are', async () => {
  const all = Array.from({ length: 101 }, (_, i) => String(i))
  const { url } = await start((server) =>
    server.template('t:{a}{b}', { complete: { a: () => all, b: () => all.slice(1) } }, () => ''),
  )
  const client = await connectRaw(url)
  expect((await complete(client, template('t:{a}{b}'), 'a', '')).result).toEqual({
    completion: { values: all.slice(0, 100), total: 101, hasMore: true },
  })
  expect((await complete(client, template('t:{a}{b}'), 'b', '')).result).toEqual({
    completion: { values: all.slice(1), total: 100, hasMore: false },
  })
})

test('what nothing completes has no values', async () => {
  const { url } = await start((server) => {
    server.prompt('p', { input: z.object({ a: z.string() }) }, () => ({ messages: [] }))
    server.resource('test://fixed', {}, () => '')
  })
  const client = await connectRaw(url)
  const none = { completion: { values: [], total: 0, hasMore: false } }
  for (const name of ['a', 'nope', '__proto__', 'constructor'])
    expect((await complete(client, prompt('p'), name, 'x')).result).toEqual(none)
  expect((await complete(client, template('test://fixed'), 'a', '')).result).toEqual(none)
})

test('of what does not exist nothing can be completed', async () => {
  const { url } = await start()
  const client = await connectRaw(url)
  for (const [ref, words] of [
    [prompt('nope'), 'Nothing to complete: no prompt nope'],
    [template('nope:{a}'), 'Nothing to complete: no resource nope:{a}'],
    [prompt('__proto__'), 'Nothing to complete: no prompt __proto__'],
  ] as const)
    expect((await complete(client, ref, 'a', '')).error).toEqual({ code: -32602, message: words })
})
