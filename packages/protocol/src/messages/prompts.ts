import * as z from 'zod/mini'
import { listOf, mapOf } from '../zod/collections.ts'
import { Role } from './annotations.ts'
import { CacheableResult } from './caching.ts'
import { ContentBlock } from './content.ts'
import { InputResponseRequestParams } from './input-responses.ts'
import { Meta, Result } from '../jsonrpc/jsonrpc.ts'
import { BaseMetadata, Icons } from './lifecycle.ts'
import { openObject } from '../zod/open-object.ts'
import { PaginatedResult } from './pagination.ts'

/** An argument of a prompt. Its value is always a string. */
export const PromptArgument = openObject({
  ...BaseMetadata.shape,
  description: z.optional(z.string()),
  /** Whether the argument is required. */
  required: z.optional(z.boolean()),
})
export type PromptArgument = z.infer<typeof PromptArgument>

/** A prompt of a server. */
export const Prompt = openObject({
  ...BaseMetadata.shape,
  ...Icons.shape,
  description: z.optional(z.string()),
  arguments: z.optional(listOf(PromptArgument)),
  /** Since 2025-06-18. */
  _meta: z.optional(Meta),
})
export type Prompt = z.infer<typeof Prompt>

/** A message of a prompt. */
export const PromptMessage = openObject({ role: Role, content: ContentBlock })
export type PromptMessage = z.infer<typeof PromptMessage>

/** Result of `prompts/list`. */
export const ListPromptsResult = openObject({
  ...PaginatedResult.shape,
  ...CacheableResult.shape,
  prompts: listOf(Prompt),
})
export type ListPromptsResult = z.infer<typeof ListPromptsResult>

/** Params of `prompts/get`. */
export const GetPromptRequestParams = openObject({
  ...InputResponseRequestParams.shape,
  name: z.string(),
  arguments: z.optional(mapOf(z.string())),
})
export type GetPromptRequestParams = z.infer<typeof GetPromptRequestParams>

/** Result of `prompts/get`. */
export const GetPromptResult = openObject({
  ...Result.shape,
  description: z.optional(z.string()),
  messages: listOf(PromptMessage),
})
export type GetPromptResult = z.infer<typeof GetPromptResult>
