import type { Logger } from '../../logger.ts'
import { Refusal } from '../../refusal.ts'
import type { TransportRequest } from './transport-request.ts'
import { refuse, type TransportResponse } from './transport-response.ts'
import type { Routes } from './transport.ts'

/** Answers a request that came over no socket of this process: where Koa is not, this reports a failure in its place. */
export async function answerWithoutSocket(
  routes: Routes,
  request: TransportRequest,
  response: TransportResponse,
  logger: Logger,
): Promise<void> {
  const handler = routes.get(`${request.method} ${request.path}`)
  if (handler === undefined) {
    return refuse(response, new Refusal(404, `There is nothing at ${request.path}`))
  }
  try {
    await handler(request, response)
  } catch (err) {
    logger.error({ err }, 'request failed')
    if (response.begun) response.cut()
    else refuse(response, new Refusal(500, 'Internal error'))
  }
}
