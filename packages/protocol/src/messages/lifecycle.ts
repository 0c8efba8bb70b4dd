import * as z from 'zod/mini'
import { withFallback } from '../zod/usable.ts'
import { listOf, mapOf } from '../zod/collections.ts'
import { RequestParams, Result } from '../jsonrpc/jsonrpc.ts'
import { AnyObject, openObject } from '../zod/open-object.ts'

/** A name for programs and a title for people. */
export const BaseMetadata = openObject({
  /** For programs. Shown to people when there is no `title`. */
  name: z.string(),
  /** For people. Since 2025-06-18. */
  title: z.optional(z.string()),
})
export type BaseMetadata = z.infer<typeof BaseMetadata>

/** An icon. Since 2025-11-25. */
export const Icon = openObject({
  /** An `https:` or `data:` URI. Fetch it only from a domain you trust. */
  src: z.string(),
  mimeType: z.optional(z.string()),
  /** The sizes it is made for, such as `48x48`, or `any` for a scalable image. */
  sizes: z.optional(listOf(z.string())),
  /** The background it is made for. */
  theme: z.optional(z.literal(['light', 'dark'])),
})
export type Icon = z.infer<typeof Icon>

/** The field of everything that may have icons. */
export const Icons = openObject({ icons: z.optional(listOf(Icon)) })
export type Icons = z.infer<typeof Icons>

/** The name and version of a program: the client's `clientInfo`, the server's `serverInfo`. */
export const Implementation = openObject({
  ...BaseMetadata.shape,
  ...Icons.shape,
  version: withFallback(z.string(), ''),
  /** Since 2025-11-25. */
  description: z.optional(z.string()),
  /** Since 2025-11-25. */
  websiteUrl: z.optional(z.string()),
})
export type Implementation = z.infer<typeof Implementation>

const ListChanged = openObject({
  /** Whether changes of the list are announced. */
  listChanged: z.optional(z.boolean()),
})

/** The supported extensions of the protocol: the settings of each, by identifier. Since 2026-07-28. */
const Extensions = z.optional(mapOf(AnyObject))

/** The capabilities of a client. */
export const ClientCapabilities = openObject({
  experimental: z.optional(mapOf(AnyObject)),
  /** The client lists its roots. */
  roots: z.optional(ListChanged),
  /** The client samples from a language model. */
  sampling: z.optional(
    openObject({
      /** The client understands `includeContext`. Since 2025-11-25. */
      context: z.optional(AnyObject),
      /** The client understands `tools` and `toolChoice`. Since 2025-11-25. */
      tools: z.optional(AnyObject),
    }),
  ),
  /** The client asks its user. Since 2025-06-18. An empty object means form mode. */
  elicitation: z.optional(
    openObject({
      /** Since 2025-11-25. */
      form: z.optional(AnyObject),
      /** Since 2025-11-25. */
      url: z.optional(AnyObject),
    }),
  ),
  extensions: Extensions,
})
export type ClientCapabilities = z.infer<typeof ClientCapabilities>

/** The capabilities of a server. */
export const ServerCapabilities = openObject({
  experimental: z.optional(mapOf(AnyObject)),
  /** The server sends log messages. */
  logging: z.optional(AnyObject),
  /** The server completes arguments. Since 2025-03-26. */
  completions: z.optional(AnyObject),
  prompts: z.optional(ListChanged),
  resources: z.optional(
    openObject({
      ...ListChanged.shape,
      /** Whether a client can subscribe to changes of a resource, in the way of its revision. */
      subscribe: z.optional(z.boolean()),
    }),
  ),
  tools: z.optional(ListChanged),
  extensions: Extensions,
})
export type ServerCapabilities = z.infer<typeof ServerCapabilities>

/** Params of `initialize`, the first request of a session. */
export const InitializeRequestParams = openObject({
  ...RequestParams.shape,
  /** The newest revision of the client. A string, because this package may not know it. */
  protocolVersion: z.string(),
  capabilities: ClientCapabilities,
  clientInfo: Implementation,
})
export type InitializeRequestParams = z.infer<typeof InitializeRequestParams>

/** Result of `initialize`. */
export const InitializeResult = openObject({
  ...Result.shape,
  /** The revision of this session. A client that does not speak it has to disconnect. */
  protocolVersion: z.string(),
  capabilities: ServerCapabilities,
  serverInfo: Implementation,
  /** Instructions for the language model, for example for its system prompt. */
  instructions: z.optional(z.string()),
})
export type InitializeResult = z.infer<typeof InitializeResult>
