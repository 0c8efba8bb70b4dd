// JSON-RPC 2.0: the envelope of every message.
export {
  EmptyResult,
  isNotification,
  isRequest,
  isResponse,
  JSONRPC_VERSION,
  JSONRPCError,
  JSONRPCErrorResponse,
  JSONRPCNotification,
  JSONRPCRequest,
  JSONRPCResultResponse,
  Meta,
  NotificationParams,
  ProgressToken,
  RequestId,
  RequestParams,
  Result,
} from './jsonrpc/jsonrpc.ts'
export type { JSONRPCMessage, JSONRPCResponse } from './jsonrpc/jsonrpc.ts'
export { defaultJsonBounds, parseJson, requireWithin } from './jsonrpc/bounded-json.ts'
export type { JsonBounds } from './jsonrpc/bounded-json.ts'
export { parseMessage } from './jsonrpc/parse-message.ts'
export type { OnLeftOut } from './jsonrpc/parse-with.ts'

// Errors between client and server.
export {
  MissingRequiredClientCapabilityErrorData,
  UnsupportedProtocolVersionErrorData,
} from './messages/error-data.ts'
export { errorCodes, httpStatus, McpError, modernHttpStatus } from './jsonrpc/errors.ts'
export type { McpErrorOptions } from './jsonrpc/errors.ts'

// Revisions of the protocol.
export {
  isLegacyRevision,
  isModernRevision,
  isRevision,
  latestLegacyRevision,
  legacyRevisions,
  modernRevisions,
  negotiateRevision,
  revisions,
} from './revisions.ts'
export type { LegacyRevision, ModernRevision, Revision } from './revisions.ts'

// The table of methods, the types derived from it, and the functions that check a message with it.
export { methods } from './methods/methods.ts'
export type { Direction, MethodEntry } from './methods/methods.ts'
export type {
  Method,
  NotificationMethod,
  NotificationOf,
  NotificationToClient,
  NotificationToServer,
  ParamsOf,
  RequestMethod,
  RequestOf,
  RequestToClient,
  RequestToServer,
  ResultOf,
} from './methods/method-types.ts'
export { isMethod, isMethodOf, parseModernMeta, parseParams, parseResult } from './methods/parse.ts'
export { parseModernResult } from './methods/parse-to-client.ts'

// Lifecycle: `initialize`, capabilities, and the names of the programs.
export {
  BaseMetadata,
  ClientCapabilities,
  Icon,
  Icons,
  Implementation,
  InitializeRequestParams,
  InitializeResult,
  ServerCapabilities,
} from './messages/lifecycle.ts'

// The modern era: the `_meta` of requests and results, `server/discover`, and required input.
export { DiscoverResult } from './messages/discover.ts'
export {
  InputRequest,
  InputRequests,
  InputRequiredResult,
  inputRequiredMethods,
  isInputRequired,
  mayRequireInput,
} from './messages/input-requests.ts'
export type { InputRequiredMethod } from './messages/input-requests.ts'
export { InputResponseRequestParams, InputResponses } from './messages/input-responses.ts'
export { metaKeys, ModernRequestMeta, NotificationMetaObject, ResultMetaObject } from './messages/meta.ts'

// Content of prompts, tool results and sampling messages.
export { Annotations, Role } from './messages/annotations.ts'
export {
  AudioContent,
  ContentBlock,
  EmbeddedResource,
  ImageContent,
  ResourceLink,
  TextContent,
} from './messages/content.ts'

// Tools.
export {
  CallToolRequestParams,
  CallToolResult,
  ListToolsResult,
  Tool,
  ToolAnnotations,
} from './messages/tools.ts'

// Resources, templates and subscriptions.
export {
  BlobResourceContents,
  ListResourcesResult,
  ListResourceTemplatesResult,
  ReadResourceRequestParams,
  ReadResourceResult,
  Resource,
  ResourceContents,
  ResourceRequestParams,
  ResourceTemplate,
  ResourceUpdatedNotificationParams,
  SubscribeRequestParams,
  TextResourceContents,
  UnsubscribeRequestParams,
} from './messages/resources.ts'

// Subscriptions of the modern era.
export {
  SubscriptionFilter,
  SubscriptionsAcknowledgedNotificationParams,
  SubscriptionsListenRequestParams,
  SubscriptionsListenResult,
  SubscriptionsListenResultMetaObject,
} from './messages/subscriptions.ts'

// The lists whose changes a server announces, and the extension that recovers missed changes.
export { lists, listNames } from './messages/lists.ts'
export type { List } from './messages/lists.ts'
export { recovery } from './messages/recovery.ts'
export { normalUri } from './normal-uri.ts'

// Prompts.
export {
  GetPromptRequestParams,
  GetPromptResult,
  ListPromptsResult,
  Prompt,
  PromptArgument,
  PromptMessage,
} from './messages/prompts.ts'

// Completion of arguments.
export {
  CompleteRequestParams,
  CompleteResult,
  PromptReference,
  ResourceTemplateReference,
} from './messages/completion.ts'

// Logging.
export {
  isAtLeast,
  LoggingLevel,
  loggingLevels,
  LoggingMessageNotificationParams,
  SetLevelRequestParams,
} from './messages/logging.ts'

// Progress, cancellation, pagination, caching.
export { CacheableResult, CacheScope } from './messages/caching.ts'
export { CancelledNotificationParams } from './messages/cancellation.ts'
export { Cursor, PaginatedRequestParams, PaginatedResult } from './messages/pagination.ts'
export { ProgressNotificationParams } from './messages/progress.ts'

// Sampling: a server asks the client's language model.
export {
  CreateMessageRequestParams,
  CreateMessageResult,
  ModelHint,
  ModelPreferences,
  SamplingMessage,
  SamplingMessageContentBlock,
  ToolChoice,
  ToolResultContent,
  ToolUseContent,
} from './messages/sampling.ts'

// Elicitation: a server asks the client's user.
export {
  ElicitationCompleteNotificationParams,
  ElicitRequestFormParams,
  ElicitRequestParams,
  ElicitRequestURLParams,
  ElicitResult,
  URLElicitationRequiredErrorData,
} from './messages/elicitation.ts'
export {
  BooleanSchema,
  EnumSchema,
  LegacyTitledEnumSchema,
  MultiSelectEnumSchema,
  NumberSchema,
  PrimitiveSchemaDefinition,
  SingleSelectEnumSchema,
  StringSchema,
  TitledMultiSelectEnumSchema,
  TitledSingleSelectEnumSchema,
  UntitledMultiSelectEnumSchema,
  UntitledSingleSelectEnumSchema,
} from './messages/primitive-schemas.ts'

// Roots: a server asks for the client's folders and files.
export { ListRootsResult, Root } from './messages/roots.ts'

// HTTP: header names, media types, and the headers that mirror values of the body.
export { headerArguments, headerParams, paramHeaders } from './http/header-params.ts'
export type { HeaderParam } from './http/header-params.ts'
export { headers, mediaTypes } from './http/names.ts'
export {
  decodeHeaderValue,
  encodeHeaderValue,
  headerMatches,
  nameOf,
  valueAt,
} from './http/mirrored-headers.ts'
export type { HeaderValue } from './http/mirrored-headers.ts'
