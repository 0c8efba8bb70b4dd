import { optional } from 'zod/mini'
import { CancelledNotificationParams } from './cancellation.ts'
import { CompleteResult } from './completion.ts'
import { DiscoverResult } from './discover.ts'
import { ElicitationCompleteNotificationParams, ElicitRequestParams } from './elicitation.ts'
import { EmptyResult, NotificationParams, RequestParams } from './jsonrpc.ts'
import { InitializeResult } from './lifecycle.ts'
import { LoggingMessageNotificationParams } from './logging.ts'
import { ProgressNotificationParams } from './progress.ts'
import { GetPromptResult, ListPromptsResult } from './prompts.ts'
import {
  ListResourcesResult,
  ListResourceTemplatesResult,
  ReadResourceResult,
  ResourceUpdatedNotificationParams,
} from './resources.ts'
import { CreateMessageRequestParams } from './sampling.ts'
import { SubscriptionsAcknowledgedNotificationParams, SubscriptionsListenResult } from './subscriptions.ts'
import { CallToolResult, ListToolsResult } from './tools.ts'

// Apart from the table of methods, so that a client can do without the half of it that only a server checks.

/** The schemas of the params of what a server sends. */
export const paramsToClient = {
  ping: optional(RequestParams),
  'sampling/createMessage': CreateMessageRequestParams,
  'roots/list': optional(RequestParams),
  'elicitation/create': ElicitRequestParams,
  'notifications/cancelled': CancelledNotificationParams,
  'notifications/progress': ProgressNotificationParams,
  'notifications/message': LoggingMessageNotificationParams,
  'notifications/tools/list_changed': optional(NotificationParams),
  'notifications/prompts/list_changed': optional(NotificationParams),
  'notifications/resources/list_changed': optional(NotificationParams),
  'notifications/resources/updated': ResourceUpdatedNotificationParams,
  'notifications/subscriptions/acknowledged': SubscriptionsAcknowledgedNotificationParams,
  'notifications/elicitation/complete': ElicitationCompleteNotificationParams,
}

/** The schemas of the results of what a client asks a server. */
export const resultsToClient = {
  initialize: InitializeResult,
  ping: EmptyResult,
  'server/discover': DiscoverResult,
  'tools/list': ListToolsResult,
  'tools/call': CallToolResult,
  'resources/list': ListResourcesResult,
  'resources/templates/list': ListResourceTemplatesResult,
  'resources/read': ReadResourceResult,
  'resources/subscribe': EmptyResult,
  'resources/unsubscribe': EmptyResult,
  'subscriptions/listen': SubscriptionsListenResult,
  'prompts/list': ListPromptsResult,
  'prompts/get': GetPromptResult,
  'completion/complete': CompleteResult,
  'logging/setLevel': EmptyResult,
}
