import { parseJson } from '@tidings/protocol'
import type { Principal } from '../../requests/principal.ts'
import { TransportRequest } from '../transports/transport-request.ts'
import type { ForwardedHead } from './mail.ts'

/** A request that came to another node. */
export class RelayedRequest extends TransportRequest {
  readonly #head: ForwardedHead
  readonly #body: Buffer

  constructor(head: ForwardedHead, body: Buffer) {
    super()
    this.#head = head
    this.#body = body
  }

  get method(): string {
    return this.#head.method
  }

  get path(): string {
    return this.#head.path
  }

  get querystring(): string {
    return this.#head.querystring
  }

  get prefix(): string {
    return this.#head.prefix
  }

  header(name: string): string | undefined {
    return this.#head.headers[name.toLowerCase()]
  }

  readPrincipal(): Principal {
    return this.#head.principal
  }

  readBody(): unknown {
    return this.#head.hasBody ? parseJson(this.#body.toString()) : undefined
  }
}
