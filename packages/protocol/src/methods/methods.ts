import type * as z from 'zod/mini'
import { optional } from 'zod/mini'
import { CompleteRequestParams } from '../messages/completion.ts'
import { ElicitResult } from '../messages/elicitation.ts'
import { NotificationParams, RequestParams } from '../jsonrpc/jsonrpc.ts'
import { InitializeRequestParams } from '../messages/lifecycle.ts'
import { SetLevelRequestParams } from '../messages/logging.ts'
import { PaginatedRequestParams } from '../messages/pagination.ts'
import { GetPromptRequestParams } from '../messages/prompts.ts'
import {
  ReadResourceRequestParams,
  SubscribeRequestParams,
  UnsubscribeRequestParams,
} from '../messages/resources.ts'
import type { Revision } from '../revisions.ts'
import { ListRootsResult } from '../messages/roots.ts'
import { CreateMessageResult } from '../messages/sampling.ts'
import { SubscriptionsListenRequestParams } from '../messages/subscriptions.ts'
import { CallToolRequestParams } from '../messages/tools.ts'
import { paramsToClient, resultsToClient } from './to-client.ts'

/** The receiver of a message. */
export type Direction = 'toServer' | 'toClient' | 'both'

/** The entry of one method. */
export interface MethodEntry {
  /** The schema of `params`. It accepts `undefined` when the params are optional. */
  readonly params: z.ZodMiniType
  /** The schema of the result. Only a request has one. */
  readonly result?: z.ZodMiniType
  readonly direction: Direction
  /** The first revision that has it. */
  readonly since: Revision
  /** The last revision that has it. Absent: the newest has it. */
  readonly until?: Revision
}

/**
 * Every request and notification of the protocol, by method. The types and the checks of all messages come from this
 * table.
 *
 * The schemas accept the messages of every revision, and let unknown fields pass. They do not require the `_meta` of a
 * request of 2026-07-28: see `parseModernMeta`.
 */
export const methods = {
  initialize: {
    params: InitializeRequestParams,
    result: resultsToClient.initialize,
    direction: 'toServer',
    since: '2024-11-05',
    until: '2025-11-25',
  },
  ping: {
    params: paramsToClient.ping,
    result: resultsToClient.ping,
    direction: 'both',
    since: '2024-11-05',
    until: '2025-11-25',
  },
  'server/discover': {
    params: optional(RequestParams),
    result: resultsToClient['server/discover'],
    direction: 'toServer',
    since: '2026-07-28',
  },
  'tools/list': {
    params: optional(PaginatedRequestParams),
    result: resultsToClient['tools/list'],
    direction: 'toServer',
    since: '2024-11-05',
  },
  'tools/call': {
    params: CallToolRequestParams,
    result: resultsToClient['tools/call'],
    direction: 'toServer',
    since: '2024-11-05',
  },
  'resources/list': {
    params: optional(PaginatedRequestParams),
    result: resultsToClient['resources/list'],
    direction: 'toServer',
    since: '2024-11-05',
  },
  'resources/templates/list': {
    params: optional(PaginatedRequestParams),
    result: resultsToClient['resources/templates/list'],
    direction: 'toServer',
    since: '2024-11-05',
  },
  'resources/read': {
    params: ReadResourceRequestParams,
    result: resultsToClient['resources/read'],
    direction: 'toServer',
    since: '2024-11-05',
  },
  'resources/subscribe': {
    params: SubscribeRequestParams,
    result: resultsToClient['resources/subscribe'],
    direction: 'toServer',
    since: '2024-11-05',
    until: '2025-11-25',
  },
  'resources/unsubscribe': {
    params: UnsubscribeRequestParams,
    result: resultsToClient['resources/unsubscribe'],
    direction: 'toServer',
    since: '2024-11-05',
    until: '2025-11-25',
  },
  'subscriptions/listen': {
    params: SubscriptionsListenRequestParams,
    result: resultsToClient['subscriptions/listen'],
    direction: 'toServer',
    since: '2026-07-28',
  },
  'prompts/list': {
    params: optional(PaginatedRequestParams),
    result: resultsToClient['prompts/list'],
    direction: 'toServer',
    since: '2024-11-05',
  },
  'prompts/get': {
    params: GetPromptRequestParams,
    result: resultsToClient['prompts/get'],
    direction: 'toServer',
    since: '2024-11-05',
  },
  'completion/complete': {
    params: CompleteRequestParams,
    result: resultsToClient['completion/complete'],
    direction: 'toServer',
    since: '2024-11-05',
  },
  'logging/setLevel': {
    params: SetLevelRequestParams,
    result: resultsToClient['logging/setLevel'],
    direction: 'toServer',
    since: '2024-11-05',
    until: '2025-11-25',
  },
  // These three are requests up to 2025-11-25. Since then they are part of an `InputRequiredResult`.
  'sampling/createMessage': {
    params: paramsToClient['sampling/createMessage'],
    result: CreateMessageResult,
    direction: 'toClient',
    since: '2024-11-05',
    until: '2025-11-25',
  },
  'roots/list': {
    params: paramsToClient['roots/list'],
    result: ListRootsResult,
    direction: 'toClient',
    since: '2024-11-05',
    until: '2025-11-25',
  },
  'elicitation/create': {
    params: paramsToClient['elicitation/create'],
    result: ElicitResult,
    direction: 'toClient',
    since: '2025-06-18',
    until: '2025-11-25',
  },
  'notifications/initialized': {
    params: optional(NotificationParams),
    direction: 'toServer',
    since: '2024-11-05',
    until: '2025-11-25',
  },
  'notifications/roots/list_changed': {
    params: optional(NotificationParams),
    direction: 'toServer',
    since: '2024-11-05',
    until: '2025-11-25',
  },
  'notifications/cancelled': {
    params: paramsToClient['notifications/cancelled'],
    direction: 'both',
    since: '2024-11-05',
  },
  'notifications/progress': {
    params: paramsToClient['notifications/progress'],
    direction: 'both',
    since: '2024-11-05',
  },
  'notifications/message': {
    params: paramsToClient['notifications/message'],
    direction: 'toClient',
    since: '2024-11-05',
  },
  'notifications/tools/list_changed': {
    params: paramsToClient['notifications/tools/list_changed'],
    direction: 'toClient',
    since: '2024-11-05',
  },
  'notifications/prompts/list_changed': {
    params: paramsToClient['notifications/prompts/list_changed'],
    direction: 'toClient',
    since: '2024-11-05',
  },
  'notifications/resources/list_changed': {
    params: paramsToClient['notifications/resources/list_changed'],
    direction: 'toClient',
    since: '2024-11-05',
  },
  'notifications/resources/updated': {
    params: paramsToClient['notifications/resources/updated'],
    direction: 'toClient',
    since: '2024-11-05',
  },
  'notifications/subscriptions/acknowledged': {
    params: paramsToClient['notifications/subscriptions/acknowledged'],
    direction: 'toClient',
    since: '2026-07-28',
  },
  'notifications/elicitation/complete': {
    params: paramsToClient['notifications/elicitation/complete'],
    direction: 'toClient',
    since: '2025-11-25',
    until: '2025-11-25',
  },
} as const satisfies Record<string, MethodEntry>
