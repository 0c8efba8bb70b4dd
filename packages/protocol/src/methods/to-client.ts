import { optional } from 'zod/mini'
import { CancelledNotificationParams } from '../messages/cancellation.ts'
import { CompleteResult } from '../messages/completion.ts'
import { DiscoverResult } from '../messages/discover.ts'
import { ElicitationCompleteNotificationParams, ElicitRequestParams } from '../messages/elicitation.ts'
import { EmptyResult, NotificationParams, RequestParams } from '../jsonrpc/jsonrpc.ts'
import { InitializeResult } from '../messages/lifecycle.ts'
import { LoggingMessageNotificationParams } from '../messages/logging.ts'
import { ProgressNotificationParams } from '../messages/progress.ts'
import { GetPromptResult, ListPromptsResult } from '../messages/prompts.ts'
import {
  ListResourcesResult,
  ListResourceTemplatesResult,
  ReadResourceResult,
  ResourceUpdatedNotificationParams,
} from '../messages/resources.ts'
import { CreateMessageRequestParams } from '../messages/sampling.ts'
import {
  SubscriptionsAcknowledgedNotificationParams,
  SubscriptionsListenResult,
} from '../messages/subscriptions.ts'
import { CallToolResult, ListToolsResult } from '../messages/tools.ts'

// In a file of their own, so that the bundle of a client leaves out the schemas that only a server checks.

/** The schemas of the params of each message that a server sends. */
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

/** The schemas of the results of each request that a client sends. */
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
