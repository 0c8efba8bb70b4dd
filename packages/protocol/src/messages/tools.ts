import * as z from 'zod/mini'
import { withFallback } from '../zod/usable.ts'
import { listOf, mapOf } from '../zod/collections.ts'
import { CacheableResult } from './caching.ts'
import { ContentBlock } from './content.ts'
import { InputResponseRequestParams } from './input-responses.ts'
import { Meta, Result } from '../jsonrpc/jsonrpc.ts'
import { BaseMetadata, Icons } from './lifecycle.ts'
import { AnyObject, openObject } from '../zod/open-object.ts'
import { PaginatedResult } from './pagination.ts'

/** Hints about the behaviour of a tool. Do not rely on the hints of an untrusted server. Since 2025-03-26. */
export const ToolAnnotations = openObject({
  title: z.optional(z.string()),
  /** The tool changes nothing. Default: false. */
  readOnlyHint: z.optional(z.boolean()),
  /** The tool may delete or overwrite, and not only add. Default: true. */
  destructiveHint: z.optional(z.boolean()),
  /** A second call with the same arguments changes nothing more. Default: false. */
  idempotentHint: z.optional(z.boolean()),
  /** The tool reaches out to an open world, such as the web. Default: true. */
  openWorldHint: z.optional(z.boolean()),
})
export type ToolAnnotations = z.infer<typeof ToolAnnotations>

/** A JSON Schema (2020-12 unless its `$schema` says otherwise). It may contain any keyword. */
const JsonSchema = z.looseObject({ $schema: z.optional(z.string()) })

/** A JSON Schema of an object. */
const ObjectSchema = z.looseObject({
  ...JsonSchema.shape,
  type: z.literal('object'),
  properties: z.optional(mapOf(z.union([AnyObject, z.boolean()]))),
  required: z.optional(listOf(z.string())),
})

/** A tool of a server. Show `title` to people, or else `annotations.title`, or else `name`. */
export const Tool = openObject({
  ...BaseMetadata.shape,
  ...Icons.shape,
  /** For the model. */
  description: z.optional(z.string()),
  /** The schema of the arguments. Since 2026-07-28 it also marks those that go into headers: see `headerParams`. */
  inputSchema: ObjectSchema,
  /** The schema of `structuredContent`. Since 2025-06-18; up to 2025-11-25 it is the schema of an object. */
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
  tools: listOf(Tool),
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
  /** Every revision requires it. When a server sends only `structuredContent`, it is read as an empty array. */
  content: z._default(listOf(ContentBlock), []),
  /**
   * The result as data that matches the tool's `outputSchema`. Since 2025-06-18; an object up to 2025-11-25, any
   * JSON value since 2026-07-28.
   */
  structuredContent: z.optional(z.unknown()),
  /** The tool failed. `content` explains the failure to the model, so that it can correct its call. */
  isError: z.optional(withFallback(z.boolean(), true)),
})
export type CallToolResult = z.infer<typeof CallToolResult>
