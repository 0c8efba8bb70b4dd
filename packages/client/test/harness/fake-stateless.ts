import { Inbox } from '@tidings/testkit/inbox'
import { FakeEndpoint, type FakePost, serverInfo } from './fake-endpoint.ts'
import type { FakeStream } from './fake-stream.ts'

interface Filter {
  toolsListChanged?: boolean
  promptsListChanged?: boolean
  resourcesListChanged?: boolean
  resourceSubscriptions?: string[]
}

/** One stream of changes, from the server's side. */
export class FakeListen {
  readonly post: FakePost
  readonly stream: FakeStream
  readonly filter: Filter

  constructor(post: FakePost) {
    this.post = post
    this.filter = (post.message.params as { notifications: Filter }).notifications
    this.stream = post.stream()
  }

  get id(): unknown {
    return this.post.message.id
  }

  /** What the client says it has been told. */
  get since(): unknown {
    return (this.post.message.params as { _meta: Record<string, unknown> })._meta['dev.tidings/since']
  }

  acknowledge(notifications: Filter = this.filter, meta: object = {}): void {
    this.notify('notifications/subscriptions/acknowledged', { notifications }, meta)
  }

  notify(method: string, params: object = {}, meta: object = {}): void {
    const _meta = { 'io.modelcontextprotocol/subscriptionId': this.id, ...meta }
    this.stream.message({ method, params: { ...params, _meta } })
  }

  updated(uri: string, meta?: object): void {
    this.notify('notifications/resources/updated', { uri }, meta)
  }

  /** Ends it in good order. */
  complete(): void {
    const _meta = { 'io.modelcontextprotocol/subscriptionId': this.id }
    this.stream.message({ id: this.id, result: { resultType: 'complete', _meta } })
    this.stream.end()
  }
}

/** A server of revision 2026-07-28. */
export class FakeStateless extends FakeEndpoint {
  capabilities: object = {
    tools: { listChanged: true },
    prompts: { listChanged: true },
    resources: { subscribe: true, listChanged: true },
    logging: {},
  }
  supportedVersions = ['2026-07-28']
  readonly listens = new Inbox<FakeListen>()
  /** What a listen gets once its stream is open. By default it is acknowledged. */
  onListen: (listen: FakeListen) => void = (listen) => {
    listen.stream.raw('retry: 100\n\n')
    listen.acknowledge()
  }

  static async start(): Promise<FakeStateless> {
    return new FakeStateless().listen()
  }

  /** From here on it offers the recovery extension. */
  withRecovery(): this {
    this.capabilities = { ...this.capabilities, extensions: { 'dev.tidings/recovery': {} } }
    return this
  }

  answer(post: FakePost): void {
    const { method = '', params } = post.message
    const given = this.answers[method]
    if (given) {
      const answer = given(params as never)
      if (!answer) return
      return post.json('error' in answer ? answer : { result: { resultType: 'complete', ...answer } })
    }
    if (method === 'server/discover') {
      const { supportedVersions, capabilities } = this
      const _meta = { 'io.modelcontextprotocol/serverInfo': serverInfo }
      return post.result({ resultType: 'complete', supportedVersions, capabilities, _meta })
    }
    if (method === 'subscriptions/listen') {
      const listen = new FakeListen(post)
      this.onListen(listen)
      return this.listens.push(listen)
    }
    post.error(-32601, { status: 404 })
  }
}
