import { EventSource } from 'eventsource'
import { post } from '@tidings/testkit/post'
import { clientInfo, type PeerClient, textOf } from '../peer-client.ts'

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: { readonly uri?: string }
  readonly result?: { readonly content?: object[] }
  readonly error?: { readonly message: string }
}

/** A page that has nothing but the standard `EventSource` and `fetch`, over the transport of 2024-11-05. */
export async function connectEventSource(
  url: string,
): Promise<Pick<PeerClient, 'call' | 'subscribe' | 'close'>> {
  const source = new EventSource(`${url}/sse`)
  const answers = new Map<number, (message: Message) => void>()
  let updated: (uri: string) => void = () => {}
  let lastId = 0
  let endpoint = ''
  await new Promise<void>((resolve) => {
    // It comes again whenever the stream was opened again.
    source.addEventListener('endpoint', ({ data }) => {
      endpoint = new URL(data as string, url).href
      resolve()
    })
  })
  source.addEventListener('message', ({ data }) => {
    const message = JSON.parse(data as string) as Message
    if (message.method === 'notifications/resources/updated') updated(message.params!.uri!)
    else if (message.id !== undefined) answers.get(message.id)?.(message)
  })

  async function request(method: string, params: object): Promise<Message> {
    const id = ++lastId
    const answered = new Promise<Message>((resolve) => answers.set(id, resolve))
    const { status } = await post(endpoint, { jsonrpc: '2.0', id, method, params })
    if (status !== 202) throw new Error(`${method} was answered ${status}`)
    const message = await answered
    if (message.error !== undefined) throw new Error(message.error.message)
    return message
  }

  await request('initialize', { protocolVersion: '2024-11-05', capabilities: {}, clientInfo })
  await post(endpoint, { jsonrpc: '2.0', method: 'notifications/initialized' })
  return {
    call: async (name, args) =>
      textOf((await request('tools/call', { name, arguments: args })).result!.content!),
    async subscribe(uri, heard) {
      updated = (of) => void (of === uri && heard())
      await request('resources/subscribe', { uri })
    },
    async close() {
      source.close()
    },
  }
}
