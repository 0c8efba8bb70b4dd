// Connecting, and the client.
export { connect } from './connect.ts'
export type { ConnectOptions, ConnectTarget } from './connect.ts'
export type { Client } from './client.ts'
export type { RequestOptions } from './calls/calls.ts'
export type { State, StateEvent } from './connection/connection.ts'
export type { HandlerContext, Handlers } from './messages/handlers.ts'
export type { Logger } from './logger.ts'
export type { HeadersOption } from './http/http.ts'
export type { TransportName } from './transports/transport.ts'

// Errors.
export {
  ClientError,
  ClosedError,
  ConnectionError,
  HttpError,
  McpError,
  ProtocolError,
  RefusedError,
  SessionGoneError,
  TimeoutError,
} from './errors.ts'
export type { HttpErrorInit } from './errors.ts'

// The types of results and of handlers. @tidings/protocol has the others.
export type {
  CallToolResult,
  CompleteResult,
  ContentBlock,
  CreateMessageRequestParams,
  CreateMessageResult,
  ElicitRequestParams,
  ElicitResult,
  GetPromptResult,
  Implementation,
  LoggingLevel,
  ProgressNotificationParams,
  Prompt,
  ReadResourceResult,
  Resource,
  ResourceTemplate,
  Root,
  Tool,
} from '@tidings/protocol'
