import { connected, fakeStreamable, statesOf } from '../harness/harness.ts'

test('a subscription that cannot be told to a new session, for now, is not forgotten', async () => {
  const server = (await fakeStreamable()).withStream()
  const client = await connected(server.url, { transport: 'streamable-http' })
  const states = statesOf(client)
  await client.subscribe('x://1')
  let cuts = 0
  server.onPost = (post) => {
    if (post.message.method === 'resources/subscribe' && cuts++ === 0) post.cut()
    else server.answer(post)
  }
  server.forget()
  await client.ping()
  expect(await states.next(({ state }) => state === 'connected')).toEqual({
    state: 'connected',
    recovered: false,
  })
  const { message } = server.posts.all.findLast(({ message }) => message.method === 'resources/subscribe')!
  expect(message.params.uri).toBe('x://1')
  expect(cuts).toBe(2)
})

test('a subscription that a new session cannot store, for now, is not forgotten', async () => {
  const server = (await fakeStreamable()).withStream()
  const client = await connected(server.url, { transport: 'streamable-http' })
  const states = statesOf(client)
  await client.subscribe('x://1')
  let refusals = 0
  server.onPost = (post) => {
    if (post.message.method !== 'resources/subscribe' || refusals > 0) return server.answer(post)
    refusals++
    post.error(-32603, { status: 200, data: { retry: true } })
  }
  server.forget()
  await client.ping()
  await states.next(({ state }) => state === 'connected')
  expect(server.posts.all.filter(({ message }) => message.method === 'resources/subscribe')).toHaveLength(3)
})
