import * as z from 'zod/mini'
import { listOf, mapOf } from '../zod/collections.ts'
import { Role } from './annotations.ts'
import { Fraction, Integer } from '../zod/number-schemas.ts'
import { AudioContent, ContentBlock, ImageContent, TextContent } from './content.ts'
import { Meta, RequestParams, Result } from '../jsonrpc/jsonrpc.ts'
import { AnyObject, openObject } from '../zod/open-object.ts'
import { Tool } from './tools.ts'
import { taggedUnion } from '../zod/tagged-union.ts'

/** A tool call that the model asks for. Since 2025-11-25. */
export const ToolUseContent = openObject({
  type: z.literal('tool_use'),
  /** The {@link ToolResultContent} refers to it. */
  id: z.string(),
  name: z.string(),
  input: mapOf(z.unknown()),
  /** Send it back unchanged: the client may use it for caching. */
  _meta: z.optional(Meta),
})
export type ToolUseContent = z.infer<typeof ToolUseContent>

/** The result of a tool call. Since 2025-11-25. */
export const ToolResultContent = openObject({
  type: z.literal('tool_result'),
  /** The `id` of the {@link ToolUseContent}. */
  toolUseId: z.string(),
  content: listOf(ContentBlock),
  /** An object up to 2025-11-25; any JSON value since 2026-07-28. */
  structuredContent: z.optional(z.unknown()),
  isError: z.optional(z.boolean()),
  /** Send it back unchanged: the client may use it for caching. */
  _meta: z.optional(Meta),
})
export type ToolResultContent = z.infer<typeof ToolResultContent>

/** One part of a sampling message. `type` tells the kinds apart. */
export const SamplingMessageContentBlock = taggedUnion('type', [
  TextContent,
  ImageContent,
  AudioContent,
  ToolUseContent,
  ToolResultContent,
])
export type SamplingMessageContentBlock = z.infer<typeof SamplingMessageContentBlock>

/** A message to or from a language model. */
export const SamplingMessage = openObject({
  role: Role,
  /** One block. Since 2025-11-25 also an array of blocks. */
  content: z.union([SamplingMessageContentBlock, listOf(SamplingMessageContentBlock)]),
  /** Since 2025-11-25. */
  _meta: z.optional(Meta),
})
export type SamplingMessage = z.infer<typeof SamplingMessage>

/** A part of the name of a preferred model, such as `sonnet`. */
export const ModelHint = openObject({ name: z.optional(z.string()) })
export type ModelHint = z.infer<typeof ModelHint>

const weight = z.optional(Fraction)

/** The server's preferences for a model. The client decides. */
export const ModelPreferences = openObject({
  /** In order of preference. A hint takes precedence over later hints and over the priorities. */
  hints: z.optional(listOf(ModelHint)),
  /** From 0, cost does not matter, to 1, it matters most. */
  costPriority: weight,
  /** From 0, speed does not matter, to 1, it matters most. */
  speedPriority: weight,
  /** From 0, intelligence does not matter, to 1, it matters most. */
  intelligencePriority: weight,
})
export type ModelPreferences = z.infer<typeof ModelPreferences>

/** Whether the model may, must or must not use tools. Since 2025-11-25. */
export const ToolChoice = openObject({
  /** Default: `auto`. */
  mode: z.optional(z.literal(['auto', 'required', 'none'])),
})
export type ToolChoice = z.infer<typeof ToolChoice>

/** Params of `sampling/createMessage`. */
export const CreateMessageRequestParams = openObject({
  ...RequestParams.shape,
  messages: listOf(SamplingMessage),
  modelPreferences: z.optional(ModelPreferences),
  systemPrompt: z.optional(z.string()),
  /** Only for a client that declared `sampling.context`. Default: `none`. */
  includeContext: z.optional(z.literal(['none', 'thisServer', 'allServers'])),
  temperature: z.optional(z.number()),
  maxTokens: Integer,
  stopSequences: z.optional(listOf(z.string())),
  /** Passed to the provider of the model. */
  metadata: z.optional(AnyObject),
  /** Only for a client that declared `sampling.tools`. Since 2025-11-25. */
  tools: z.optional(listOf(Tool)),
  /** Only for a client that declared `sampling.tools`. Since 2025-11-25. */
  toolChoice: z.optional(ToolChoice),
})
export type CreateMessageRequestParams = z.infer<typeof CreateMessageRequestParams>

/** Result of `sampling/createMessage`. */
export const CreateMessageResult = openObject({
  ...Result.shape,
  ...SamplingMessage.shape,
  /** The name of the model that wrote the message. */
  model: z.string(),
  /** `endTurn`, `stopSequence`, `maxTokens`, `toolUse` (since 2025-11-25), or a value of the provider. */
  stopReason: z.optional(z.string()),
})
export type CreateMessageResult = z.infer<typeof CreateMessageResult>
