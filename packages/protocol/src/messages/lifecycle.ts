import * as z from 'zod/mini'
import { RequestParams, Result } from '../jsonrpc/jsonrpc.ts'
import { AnyObject, mapOf, openObject } from '../zod/open-object.ts'

/** The name of something, for programs, and its title, for people. */
export const BaseMetadata = openObject({
  /** For programs; shown to people where there is no `title`. */
  name: z.string(),
  /** For people. Since 2025-06-18. */
  title: z.optional(z.string()),
})
export type BaseMetadata = z.infer<typeof BaseMetadata>

/** An image to show beside something. Since 2025-11-25. */
export const Icon = openObject({
  /** An `https:` or `data:` URI. Fetch it only from a domain you trust. */
  src: z.string(),
  mimeType: z.optional(z.string()),
  /** Sizes it suits, such as `48x48`, or `any` for one that scales. */
  sizes: z.optional(z.array(z.string())),
  /** The background it was drawn for. */
  theme: z.optional(z.literal(['light', 'dark'])),
})
export type Icon = z.infer<typeof Icon>

/** What may be shown with icons. */
export const Icons = openObject({ icons: z.optional(z.array(Icon)) })
export type Icons = z.infer<typeof Icons>

/** Which program speaks: the client's `clientInfo`, the server's `serverInfo`. */
export const Implementation = openObject({
  ...BaseMetadata.shape,
  ...Icons.shape,
  version: z.string(),
  /** Since 2025-11-25. */
  description: z.optional(z.string()),
  /** Since 2025-11-25. */
  websiteUrl: z.optional(z.string()),
})
export type Implementation = z.infer<typeof Implementation>

const ListChanged = openObject({
  /** Whether it is announced when the list changes. */
  listChanged: z.optional(z.boolean()),
})

/** Extensions of the protocol that are supported, by their identifier, each with its settings. Since 2026-07-28. */
const Extensions = z.optional(mapOf(AnyObject))

/** What a client can do for a server. */
export const ClientCapabilities = openObject({
  experimental: z.optional(mapOf(AnyObject)),
  /** Can list the roots it works on. */
  roots: z.optional(ListChanged),
  /** Can sample from a language model. */
  sampling: z.optional(
    openObject({
      /** Understands `includeContext`. Since 2025-11-25. */
      context: z.optional(AnyObject),
      /** Understands `tools` and `toolChoice`. Since 2025-11-25. */
      tools: z.optional(AnyObject),
    }),
  ),
  /** Can ask its user. Since 2025-06-18; an empty object, as it was then, means form mode. */
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

/** What a server offers its clients. */
export const ServerCapabilities = openObject({
  experimental: z.optional(mapOf(AnyObject)),
  /** Sends log messages. */
  logging: z.optional(AnyObject),
  /** Completes arguments. Since 2025-03-26. */
  completions: z.optional(AnyObject),
  prompts: z.optional(ListChanged),
  resources: z.optional(
    openObject({
      ...ListChanged.shape,
      /** Whether a client can subscribe to a resource's updates, by whichever way its revision has. */
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
  /** The newest revision the client speaks; a string, since it may be one that is not known here. */
  protocolVersion: z.string(),
  capabilities: ClientCapabilities,
  clientInfo: Implementation,
})
export type InitializeRequestParams = z.infer<typeof InitializeRequestParams>

/** Result of `initialize`. */
export const InitializeResult = openObject({
  ...Result.shape,
  /** The revision of this session. A client that does not speak it must disconnect. */
  protocolVersion: z.string(),
  capabilities: ServerCapabilities,
  serverInfo: Implementation,
  /** How to use this server, for the model: may go into its system prompt. */
  instructions: z.optional(z.string()),
})
export type InitializeResult = z.infer<typeof InitializeResult>
