import { Refusal } from '../../refusal.ts'
import type { ResponseForm } from '../options.ts'
import type { TransportRequest } from './transport-request.ts'
import type { TransportResponse } from './transport-response.ts'

/** The forms that the response to a request can take. */
export interface ResponseForms {
  readonly json: boolean
  readonly stream: boolean
}

/**
 * The forms that the client accepts, and, if it accepts both, those that the `responses` option allows.
 *
 * @throws {Refusal} 406 when the client accepts neither.
 */
export function responseForms({ accepts }: TransportRequest, responses: ResponseForm): ResponseForms {
  const { json, eventStream: stream } = accepts
  if (json && stream) return { json: responses !== 'sse', stream: responses !== 'json' }
  if (json || stream) return { json, stream }
  throw new Refusal(406, 'The Accept header must list application/json and text/event-stream')
}

/** The stream that answers a request. */
export interface ReplyStream {
  /** @param mergeKey replaces a message that still waits under the same key. */
  send(json: string, mergeKey?: string): void
  /** Nothing more will be sent. */
  complete(): void
}

/** The stream of a request's response, opened when something is sent before the answer, or JSON is not accepted. */
export abstract class Reply {
  protected readonly response: TransportResponse
  protected readonly forms: ResponseForms
  #stream: ReplyStream | undefined

  constructor(response: TransportResponse, forms: ResponseForms) {
    this.response = response
    this.forms = forms
  }

  /** Opens the stream that answers the request. Undefined when its session has ended. */
  protected abstract openStream(): ReplyStream | undefined

  /** The stream that answers the request, opened now unless it is open. */
  protected get stream(): ReplyStream | undefined {
    return (this.#stream ??= this.openStream())
  }

  /** True once the stream is open. */
  get hasStream(): boolean {
    return this.#stream !== undefined
  }

  /** Sends a message before the answer. */
  send(json: string, mergeKey?: string): void {
    this.stream?.send(json, mergeKey)
  }

  /** Begins the stream when the answer takes long. A client that accepts only JSON has to wait in silence. */
  keepAlive(): void {
    if (this.forms.stream && !this.response.closed) void this.stream
  }

  /**
   * Answers on the stream, which ends. Without an answer, since none is wanted any more, it only ends. When the session has
   * ended, and so no stream can be opened, the answer is wanted by nobody.
   */
  end(json?: string): void {
    const { stream } = this
    if (stream === undefined) return this.response.empty(202)
    if (json !== undefined) stream.send(json)
    stream.complete()
  }
}
