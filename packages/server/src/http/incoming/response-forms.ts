import { mediaTypes } from '@tidings/protocol'
import type { Context } from 'koa'
import { acceptedBy } from './accepted.ts'
import { refuse } from '../outgoing/refuse.ts'

/**
 * What answers a request by its HTTP response: a stream as soon as something is sent before the answer and JSON
 * otherwise, or always the one of them.
 */
export type Responses = 'auto' | 'json' | 'sse'

/** The forms that the answer to a request can take. */
export interface ResponseForms {
  readonly json: boolean
  readonly stream: boolean
}

/**
 * The forms that the client accepts, and of both the one that the server is told to use. Answers 406, and gives
 * undefined, when the client accepts neither.
 */
export function responseForms(ctx: Context, responses: Responses): ResponseForms | undefined {
  const { json, eventStream: stream } = acceptedBy(ctx)
  if (json && stream) return { json: responses !== 'sse', stream: responses !== 'json' }
  if (json || stream) return { json, stream }
  refuse(ctx, 406, `The Accept header must list ${mediaTypes.json} and ${mediaTypes.eventStream}`)
  return undefined
}
