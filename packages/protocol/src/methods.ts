import type * as z from 'zod/mini'
import { optional } from 'zod/mini'
import { CancelledNotificationParams } from './cancellation.ts'
import { CompleteRequestParams, CompleteResult } from './completion.ts'
import { DiscoverResult } from './discover.ts'
import { ElicitationCompleteNotificationParams, ElicitRequestParams, ElicitResult } from './elicitation.ts'
import { EmptyResult, NotificationParams, RequestParams } from './jsonrpc.ts'
import { InitializeRequestParams, InitializeResult } from './lifecycle.ts'
import { LoggingMessageNotificationParams, SetLevelRequestParams } from './logging.ts'
import { PaginatedRequestParams } from './pagination.ts'
import { ProgressNotificationParams } from './progress.ts'
import { GetPromptRequestParams, GetPromptResult, ListPromptsResult } from './prompts.ts'
import {
  ListResourcesResult,
  ListResourceTemplatesResult,
  ReadResourceRequestParams,
  ReadResourceResult,
  ResourceUpdatedNotificationParams,
  SubscribeRequestParams,
  UnsubscribeRequestParams,
} from './resources.ts'
import type { Revision } from './revisions.ts'
import { ListRootsResult } from './roots.ts'
import { CreateMessageRequestParams, CreateMessageResult } from './sampling.ts'
import {
  SubscriptionsAcknowledgedNotificationParams,
  SubscriptionsListenRequestParams,
  SubscriptionsListenResult,
} from './subscriptions.ts'
import { CallToolRequestParams, CallToolResult, ListToolsResult } from './tools.ts'

/** Who a message may be sent to. */
export type Direction = 'toServer' | 'toClient' | 'both'

/** What is known of one method. */
export interface MethodEntry {
  /** The schema of `params`. It accepts `undefined` where a message may leave its params out. */
  readonly params: z.ZodMiniType
  /** The schema of the result. Only a request has one. */
  readonly result?: z.ZodMiniType
  readonly direction: Direction
  /** The first revision that has it. */
  readonly since: Revision
  /** The last revision that has it, when it is not the newest. */
  readonly until?: Revision
}

/**
 * Every request and notification of the protocol, by method. A message is checked and typed by this table and nothing
 * else.
 *
 * The schemas take what any revision sends, and let unknown fields pass. What every request of 2026-07-28 must carry in
 * its `_meta` is no part of them: see `parseModernMeta`.
 */
export const methods = {
  initialize: {
    params: InitializeRequestParams,
    result: InitializeResult,
    direction: 'toServer',
    since: '2024-11-05',
    until: '2025-11-25',
  },
  ping: {
    params: optional(RequestParams),
    result: EmptyResult,
    direction: 'both',
    since: '2024-11-05',
    until: '2025-11-25',
  },
  'server/discover': {
    params: optional(RequestParams),
    result: DiscoverResult,
    direction: 'toServer',
    since: '2026-07-28',
  },
  'tools/list': {
    params: optional(PaginatedRequestParams),
    result: ListToolsResult,
    direction: 'toServer',
    since: '2024-11-05',
  },
  'tools/call': {
    params: CallToolRequestParams,
    result: CallToolResult,
    direction: 'toServer',
    since: '2024-11-05',
  },
  'resources/list': {
    params: optional(PaginatedRequestParams),
    result: ListResourcesResult,
    direction: 'toServer',
    since: '2024-11-05',
  },
  'resources/templates/list': {
    params: optional(PaginatedRequestParams),
    result: ListResourceTemplatesResult,
    direction: 'toServer',
    since: '2024-11-05',
  },
  'resources/read': {
    params: ReadResourceRequestParams,
    result: ReadResourceResult,
    direction: 'toServer',
    since: '2024-11-05',
  },
  'resources/subscribe': {
    params: SubscribeRequestParams,
    result: EmptyResult,
    direction: 'toServer',
    since: '2024-11-05',
    until: '2025-11-25',
  },
  'resources/unsubscribe': {
    params: UnsubscribeRequestParams,
    result: EmptyResult,
    direction: 'toServer',
    since: '2024-11-05',
    until: '2025-11-25',
  },
  'subscriptions/listen': {
    params: SubscriptionsListenRequestParams,
    result: SubscriptionsListenResult,
    direction: 'toServer',
    since: '2026-07-28',
  },
  'prompts/list': {
    params: optional(PaginatedRequestParams),
    result: ListPromptsResult,
    direction: 'toServer',
    since: '2024-11-05',
  },
  'prompts/get': {
    params: GetPromptRequestParams,
    result: GetPromptResult,
    direction: 'toServer',
    since: '2024-11-05',
  },
  'completion/complete': {
    params: CompleteRequestParams,
    result: CompleteResult,
    direction: 'toServer',
    since: '2024-11-05',
  },
  'logging/setLevel': {
    params: SetLevelRequestParams,
    result: EmptyResult,
    direction: 'toServer',
    since: '2024-11-05',
    until: '2025-11-25',
  },
  // These three are requests up to 2025-11-25; since then they are inside an `InputRequiredResult`.
  'sampling/createMessage': {
    params: CreateMessageRequestParams,
    result: CreateMessageResult,
    direction: 'toClient',
    since: '2024-11-05',
    until: '2025-11-25',
  },
  'roots/list': {
    params: optional(RequestParams),
    result: ListRootsResult,
    direction: 'toClient',
    since: '2024-11-05',
    until: '2025-11-25',
  },
  'elicitation/create': {
    params: ElicitRequestParams,
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
    params: CancelledNotificationParams,
    direction: 'both',
    since: '2024-11-05',
  },
  'notifications/progress': {
    params: ProgressNotificationParams,
    direction: 'both',
    since: '2024-11-05',
  },
  'notifications/message': {
    params: LoggingMessageNotificationParams,
    direction: 'toClient',
    since: '2024-11-05',
  },
  'notifications/tools/list_changed': {
    params: optional(NotificationParams),
    direction: 'toClient',
    since: '2024-11-05',
  },
  'notifications/prompts/list_changed': {
    params: optional(NotificationParams),
    direction: 'toClient',
    since: '2024-11-05',
  },
  'notifications/resources/list_changed': {
    params: optional(NotificationParams),
    direction: 'toClient',
    since: '2024-11-05',
  },
  'notifications/resources/updated': {
    params: ResourceUpdatedNotificationParams,
    direction: 'toClient',
    since: '2024-11-05',
  },
  'notifications/subscriptions/acknowledged': {
    params: SubscriptionsAcknowledgedNotificationParams,
    direction: 'toClient',
    since: '2026-07-28',
  },
  'notifications/elicitation/complete': {
    params: ElicitationCompleteNotificationParams,
    direction: 'toClient',
    since: '2025-11-25',
    until: '2025-11-25',
  },
} as const satisfies Record<string, MethodEntry>
