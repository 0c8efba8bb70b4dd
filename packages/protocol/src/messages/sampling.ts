import * as z from 'zod/mini'
import { Role } from './annotations.ts'
import { Fraction, Integer } from '../zod/number-schemas.ts'
import { AudioContent, ContentBlock, ImageContent, TextContent } from './content.ts'
import { Meta, RequestParams, Result } from '../jsonrpc/jsonrpc.ts'
import { AnyObject, mapOf, openObject } from '../zod/open-object.ts'
import { Tool } from './tools.ts'
import { taggedUnion } from '../zod/tagged-union.ts'

/** The model wants a tool called. Since 2025-11-25. */
export const ToolUseContent = openObject({
  type: z.literal('tool_use'),
  /** Ties the {@link ToolResultContent} to this. */
  id: z.string(),
  name: z.string(),
  input: mapOf(z.unknown()),
  /** Send it back unchanged: it may let the client cache. */
  _meta: z.optional(Meta),
})
export type ToolUseContent = z.infer<typeof ToolUseContent>

/** What the tool answered. Since 2025-11-25. */
export const ToolResultContent = openObject({
  type: z.literal('tool_result'),
  /** The `id` of the {@link ToolUseContent}. */
  toolUseId: z.string(),
  content: z.array(ContentBlock),
  /** An object up to 2025-11-25; any JSON value since 2026-07-28. */
  structuredContent: z.optional(z.unknown()),
  isError: z.optional(z.boolean()),
  /** Send it back unchanged: it may let the client cache. */
  _meta: z.optional(Meta),
})
export type ToolResultContent = z.infer<typeof ToolResultContent>

/** What a sampling message is made of. Its `type` tells which it is. */
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
  /** One block, and since 2025-11-25 also several. */
  content: z.union([SamplingMessageContentBlock, z.array(SamplingMessageContentBlock)]),
  /** Since 2025-11-25. */
  _meta: z.optional(Meta),
})
export type SamplingMessage = z.infer<typeof SamplingMessage>

/** Part of a model's name that the server would like, such as `sonnet`. */
export const ModelHint = openObject({ name: z.optional(z.string()) })
export type ModelHint = z.infer<typeof ModelHint>

const weight = z.optional(Fraction)

/** Which model the server would like. The client decides. */
export const ModelPreferences = openObject({
  /** The first that can be met goes before the later ones, and all go before the priorities. */
  hints: z.optional(z.array(ModelHint)),
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
  /** Assumed `auto`. */
  mode: z.optional(z.literal(['auto', 'required', 'none'])),
})
export type ToolChoice = z.infer<typeof ToolChoice>

/** Params of `sampling/createMessage`. */
export const CreateMessageRequestParams = openObject({
  ...RequestParams.shape,
  messages: z.array(SamplingMessage),
  modelPreferences: z.optional(ModelPreferences),
  systemPrompt: z.optional(z.string()),
  /** Only for a client that declared `sampling.context`; assumed `none`. */
  includeContext: z.optional(z.literal(['none', 'thisServer', 'allServers'])),
  temperature: z.optional(z.number()),
  maxTokens: Integer,
  stopSequences: z.optional(z.array(z.string())),
  /** For the provider of the model. */
  metadata: z.optional(AnyObject),
  /** Only for a client that declared `sampling.tools`. Since 2025-11-25. */
  tools: z.optional(z.array(Tool)),
  /** Only for a client that declared `sampling.tools`. Since 2025-11-25. */
  toolChoice: z.optional(ToolChoice),
})
export type CreateMessageRequestParams = z.infer<typeof CreateMessageRequestParams>

/** Result of `sampling/createMessage`. */
export const CreateMessageResult = openObject({
  ...Result.shape,
  ...SamplingMessage.shape,
  /** The name of the model that answered. */
  model: z.string(),
  /** `endTurn`, `stopSequence`, `maxTokens`, `toolUse` (since 2025-11-25), or the provider's own word. */
  stopReason: z.optional(z.string()),
})
export type CreateMessageResult = z.infer<typeof CreateMessageResult>
