import { errorCodes, JSONRPC_VERSION, McpError, httpStatus } from '@tidings/protocol'
import type { Context } from 'koa'
import type { Logger } from '../logger.ts'
import type { Refusal } from '../sessions/sessions.ts'
import { BodyError } from './body.ts'

/** Answers with an HTTP status and, for a person or a program to read, a JSON-RPC error without an id. */
export function refuse(
  ctx: Context,
  status: number,
  message: string,
  code: number = errorCodes.invalidRequest,
): void {
  ctx.status = status
  ctx.body = { jsonrpc: JSONRPC_VERSION, error: { code, message } }
}

/** Answers a message that wants no answer, or whose answer goes another way. */
export function accept(ctx: Context): void {
  ctx.body = null
  ctx.status = 202
}

const refusals: Record<Refusal, [status: number, message: string]> = {
  unknown: [404, 'There is no such session (any more): open a new one'],
  'of another principal': [403, 'The session belongs to another principal'],
  'too many': [503, 'Too many sessions are open'],
  closing: [503, 'The server is stopping'],
}

/** Answers that there is no session to be had. */
export function refuseSession(ctx: Context, refusal: Refusal): void {
  const [status, message] = refusals[refusal]
  if (status === 503) ctx.set('Retry-After', '1')
  // A connection that is kept would keep the server from stopping.
  if (refusal === 'closing') ctx.set('Connection', 'close')
  refuse(ctx, status, message)
}

/** Answers a request that holds no message to be taken. What is no such error is not the client's doing: thrown on. */
export function refuseBody(ctx: Context, thrown: unknown, logger: Logger): void {
  if (thrown instanceof McpError) {
    refuse(ctx, httpStatus(thrown.code), thrown.message, thrown.code)
  } else if (thrown instanceof BodyError) {
    // The rest of the body is not read, so nothing more can be read from this connection.
    if (thrown.status === 413) ctx.set('Connection', 'close')
    refuse(ctx, thrown.status, thrown.message)
  } else {
    throw thrown
  }
  logger.debug({ path: ctx.path, status: ctx.status, reason: (thrown as Error).message }, 'message refused')
}
