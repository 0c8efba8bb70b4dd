import { errorCodes, httpStatus, JSONRPC_VERSION, McpError, type RequestId } from '@tidings/protocol'
import type { Context } from 'koa'
import type { LimitError } from '../../limits.ts'
import type { Logger } from '../../logger.ts'
import type { Refusal } from '../../sessions/sessions.ts'
import { BodyError } from '../incoming/body.ts'
import { closeAfterResponse } from './linger.ts'

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

const refusals: Record<Refusal, [status: number, message: string]> = {
  unknown: [404, 'There is no such session (any more): open a new one'],
  'of another principal': [403, 'The session belongs to another principal'],
  closing: [503, 'The server is stopping'],
}

/** Answers that there is no session to be had. */
export function refuseSession(ctx: Context, refusal: Refusal): void {
  const [status, message] = refusals[refusal]
  refuse(ctx, status, message)
  if (refusal !== 'closing') return
  ctx.set('Retry-After', '1')
  // A connection that is kept would keep the server from stopping.
  closeAfterResponse(ctx)
}

/**
 * Answers that there are too many already, of what the limit is for.
 *
 * @param id of the request that is refused, where an error may have one.
 */
export function refuseLimit(ctx: Context, error: LimitError, id?: RequestId): void {
  ctx.set('Retry-After', '1')
  ctx.status = error.status
  ctx.body = {
    jsonrpc: JSONRPC_VERSION,
    ...(id !== undefined && { id }),
    error: error.toMcpError().toJSON(),
  }
}

/** Answers a request that holds no message to be taken. What is no such error is not the client's doing: thrown on. */
export function refuseBody(ctx: Context, thrown: unknown, logger: Logger): void {
  if (thrown instanceof McpError) {
    refuse(ctx, httpStatus(thrown.code), thrown.message, thrown.code)
  } else if (thrown instanceof BodyError) {
    refuse(ctx, thrown.status, thrown.message)
    // What is too large is not read to its end, so nothing more can be read from this connection.
    if (thrown.status === 413) closeAfterResponse(ctx)
  } else if (ctx.headerSent) {
    // Nobody may be waiting: what is in front of this has let Koa answer.
    return ctx.onerror(thrown as Error)
  } else {
    throw thrown
  }
  logger.debug({ path: ctx.path, status: ctx.status, reason: (thrown as Error).message }, 'message refused')
}
