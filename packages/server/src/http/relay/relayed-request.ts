import { type JsonBounds, parseJson } from '@tidings/protocol'
import type { Principal } from '../../requests/principal.ts'
import { TransportRequest } from '../transports/transport-request.ts'
import type { ForwardedHead } from './mail.ts'

/** A request that came to another node. */
export class RelayedRequest extends TransportRequest {
  readonly #head: ForwardedHead
  readonly #body: Buffer
  readonly #bounds: JsonBounds

  constructor(head: ForwardedHead, body: Buffer, bounds: JsonBounds) {
    super()
    this.#head = head
    this.#body = body
    this.#bounds = bounds
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
    return this.#head.hasBody ? parseJson(this.#body.toString(), this.#bounds) : undefined
  }
}
