// Registering tools, resources and prompts.
export { McpServer } from './server.ts'
export type { CloseOptions, McpServerOptions } from './server.ts'
export type { ToolHandle, ToolHandler, ToolOptions, ToolResult } from './capabilities/tools.ts'
export type {
  FixedResourceOptions,
  ReadContext,
  ResourceBody,
  ResourceHandle,
  ResourceOptions,
  TemplateHandle,
  TemplateOptions,
} from './capabilities/resources.ts'
export type { PromptHandle, PromptHandler, PromptOptions } from './capabilities/prompts.ts'
export type { Completer, Completers } from './capabilities/completion.ts'
export type {
  InputOf,
  JsonSchema,
  LibrarySchema,
  ObjectSchema,
  OutputOf,
  ZodSchema,
} from './capabilities/schema.ts'
export type { Variables } from './capabilities/uri-template.ts'
export type { CacheHint } from './capabilities/cache-hints.ts'

// The context of handlers, and the errors they may throw.
export type { AskOptions, ClientInfo, HandlerContext, Progress } from './requests/context.ts'
export { errorCodes, McpError } from '@tidings/protocol'
export type { McpErrorOptions } from '@tidings/protocol'

// Types of the protocol that handlers take and return. All others are in @tidings/protocol.
export type {
  CallToolResult,
  ContentBlock,
  CreateMessageRequestParams,
  CreateMessageResult,
  ElicitRequestParams,
  ElicitResult,
  GetPromptResult,
  Implementation,
  LoggingLevel,
  ReadResourceResult,
  Resource,
  Root,
} from '@tidings/protocol'

// Serving.
export { mcp } from './http/mcp.ts'
export type { McpMiddleware } from './http/mcp.ts'
export { handler } from './http/handler.ts'
export type { McpHandler } from './http/handler.ts'
export { serve } from './http/serve.ts'
export type { ServeOptions, Serving, TlsServeOptions } from './http/serve.ts'
export { memoryTransport } from './http/memory-transport.ts'
export type { MemoryTransport, MemoryTransportOptions } from './http/memory-transport.ts'
export type { McpOptions, MountOptions } from './http/options.ts'
export type { GuardOptions } from './http/incoming/guard.ts'
export type { LimitOptions, LimitsOptions, SessionLimitOptions } from './limits.ts'
export type { Logger } from './logger.ts'

// Connecting several servers.
export { ClusterBackplane, type ClusterServeOptions } from './backplane/cluster-backplane.ts'
export { MemoryBackplane } from './backplane/memory-backplane.ts'
export type {
  Backplane,
  BackplaneHealth,
  BackplaneNode,
  ChangeFollower,
  ChangeOrder,
  ChangeSnapshot,
  Membership,
  SessionDirectory,
  SessionPlace,
} from './backplane/backplane.ts'
