// JSON-RPC 2.0: the envelope of every message, and reading one.
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
} from './jsonrpc.ts'
export type { JSONRPCMessage, JSONRPCResponse } from './jsonrpc.ts'
export { parseJson, parseMessage } from './parse-message.ts'

// Errors that cross the wire.
export {
  MissingRequiredClientCapabilityErrorData,
  UnsupportedProtocolVersionErrorData,
} from './error-data.ts'
export { errorCodes, httpStatus, McpError, modernHttpStatus } from './errors.ts'
export type { McpErrorOptions } from './errors.ts'

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

// The table of methods, what is typed by it, and checking by it.
export { methods } from './methods.ts'
export type { Direction, MethodEntry } from './methods.ts'
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
} from './method-types.ts'
export { isMethod, isMethodOf, parseModernMeta, parseParams, parseResult } from './parse.ts'
export {
  isMethodToClient,
  parseModernResult,
  parseParamsToClient,
  parseResultToClient,
} from './parse-to-client.ts'

// Lifecycle: who speaks, what they can do, and `initialize`.
export {
  BaseMetadata,
  ClientCapabilities,
  Icon,
  Icons,
  Implementation,
  InitializeRequestParams,
  InitializeResult,
  ServerCapabilities,
} from './lifecycle.ts'

// The modern era: what its requests and results carry in `_meta`, `server/discover`, and required input.
export { DiscoverResult } from './discover.ts'
export {
  InputRequest,
  InputRequests,
  InputRequiredResult,
  inputRequiredMethods,
  isInputRequired,
  mayRequireInput,
} from './input-requests.ts'
export type { InputRequiredMethod } from './input-requests.ts'
export { InputResponseRequestParams, InputResponses } from './input-responses.ts'
export { metaKeys, ModernRequestMeta, NotificationMetaObject, ResultMetaObject } from './meta.ts'

// Content of prompts, tool results and sampling messages.
export { Annotations, Role } from './annotations.ts'
export {
  AudioContent,
  ContentBlock,
  EmbeddedResource,
  ImageContent,
  ResourceLink,
  TextContent,
} from './content.ts'

// Tools.
export { CallToolRequestParams, CallToolResult, ListToolsResult, Tool, ToolAnnotations } from './tools.ts'

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
} from './resources.ts'

// Subscriptions of the modern era.
export {
  SubscriptionFilter,
  SubscriptionsAcknowledgedNotificationParams,
  SubscriptionsListenRequestParams,
  SubscriptionsListenResult,
  SubscriptionsListenResultMetaObject,
} from './subscriptions.ts'

// Prompts.
export {
  GetPromptRequestParams,
  GetPromptResult,
  ListPromptsResult,
  Prompt,
  PromptArgument,
  PromptMessage,
} from './prompts.ts'

// Completion of arguments.
export {
  CompleteRequestParams,
  CompleteResult,
  PromptReference,
  ResourceTemplateReference,
} from './completion.ts'

// Logging.
export {
  LoggingLevel,
  loggingLevels,
  LoggingMessageNotificationParams,
  SetLevelRequestParams,
} from './logging.ts'

// Progress, cancellation, pagination, caching.
export { CacheableResult, CacheScope } from './caching.ts'
export { CancelledNotificationParams } from './cancellation.ts'
export { Cursor, PaginatedRequestParams, PaginatedResult } from './pagination.ts'
export { ProgressNotificationParams } from './progress.ts'

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
} from './sampling.ts'

// Elicitation: a server asks the client's user.
export {
  ElicitationCompleteNotificationParams,
  ElicitRequestFormParams,
  ElicitRequestParams,
  ElicitRequestURLParams,
  ElicitResult,
  URLElicitationRequiredErrorData,
} from './elicitation.ts'
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
} from './primitive-schemas.ts'

// Roots: a server asks what the client works on.
export { ListRootsResult, Root } from './roots.ts'

// HTTP: header names and media types, and the headers that mirror what is in the body.
export { headerArguments, headerParams, paramHeaders } from './header-params.ts'
export type { HeaderParam } from './header-params.ts'
export { headers, mediaTypes } from './http.ts'
export { decodeHeaderValue, encodeHeaderValue, headerMatches, nameOf, valueAt } from './mirrored-headers.ts'
export type { HeaderValue } from './mirrored-headers.ts'
