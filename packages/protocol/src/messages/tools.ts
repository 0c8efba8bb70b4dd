import * as z from 'zod/mini'
import { CacheableResult } from './caching.ts'
import { ContentBlock } from './content.ts'
import { InputResponseRequestParams } from './input-responses.ts'
import { Meta, Result } from '../jsonrpc/jsonrpc.ts'
import { BaseMetadata, Icons } from './lifecycle.ts'
import { AnyObject, mapOf, openObject } from '../zod/open-object.ts'
import { PaginatedResult } from './pagination.ts'

/** What a tool is like, as hints: never decide by those of a server you do not trust. Since 2025-03-26. */
export const ToolAnnotations = openObject({
  title: z.optional(z.string()),
  /** Changes nothing. Assumed false. */
  readOnlyHint: z.optional(z.boolean()),
  /** May destroy, rather than only add. Assumed true. */
  destructiveHint: z.optional(z.boolean()),
  /** Calling it again with the same arguments changes nothing more. Assumed false. */
  idempotentHint: z.optional(z.boolean()),
  /** Deals with an open world, such as the web. Assumed true. */
  openWorldHint: z.optional(z.boolean()),
})
export type ToolAnnotations = z.infer<typeof ToolAnnotations>

/** A JSON Schema (2020-12 unless its `$schema` says otherwise). Any keyword may be in it. */
const JsonSchema = z.looseObject({ $schema: z.optional(z.string()) })

/** One of an object. */
const ObjectSchema = z.looseObject({
  ...JsonSchema.shape,
  type: z.literal('object'),
  properties: z.optional(mapOf(z.union([AnyObject, z.boolean()]))),
  required: z.optional(z.array(z.string())),
})

/** A tool a server offers. For people it is named by `title`, else `annotations.title`, else `name`. */
export const Tool = openObject({
  ...BaseMetadata.shape,
  ...Icons.shape,
  /** For the model. */
  description: z.optional(z.string()),
  /** What the arguments must be like. Since 2026-07-28 it also says which go into headers: see `headerParams`. */
  inputSchema: ObjectSchema,
  /** What `structuredContent` will be like. Since 2025-06-18, of an object up to 2025-11-25. */
  outputSchema: z.optional(JsonSchema),
  annotations: z.optional(ToolAnnotations),
  /** Since 2025-06-18. */
  _meta: z.optional(Meta),
})
export type Tool = z.infer<typeof Tool>

/** Result of `tools/list`. */
export const ListToolsResult = openObject({
  ...PaginatedResult.shape,
  ...CacheableResult.shape,
  tools: z.array(Tool),
})
export type ListToolsResult = z.infer<typeof ListToolsResult>

/** Params of `tools/call`. */
export const CallToolRequestParams = openObject({
  ...InputResponseRequestParams.shape,
  name: z.string(),
  arguments: z.optional(mapOf(z.unknown())),
})
export type CallToolRequestParams = z.infer<typeof CallToolRequestParams>

/** Result of `tools/call`. */
export const CallToolResult = openObject({
  ...Result.shape,
  /** Required by every revision; read as empty from a server that sends only `structuredContent`. */
  content: z._default(z.array(ContentBlock), []),
  /**
   * The result as data, as the tool's `outputSchema` describes it. Since 2025-06-18; an object up to 2025-11-25, any
   * JSON value since 2026-07-28.
   */
  structuredContent: z.optional(z.unknown()),
  /** The tool failed, and `content` tells the model how, so that it can try otherwise. */
  isError: z.optional(z.boolean()),
})
export type CallToolResult = z.infer<typeof CallToolResult>
