import * as z from 'zod/mini'
import { Meta } from '../jsonrpc/jsonrpc.ts'
import { openObject } from '../zod/open-object.ts'
import { Resource, BlobResourceContents, TextResourceContents } from './resources.ts'
import { Annotations } from './annotations.ts'
import { taggedUnion } from '../zod/tagged-union.ts'

const common = {
  annotations: z.optional(Annotations),
  /** Since 2025-06-18. */
  _meta: z.optional(Meta),
}

/** Text to or from a language model. */
export const TextContent = openObject({ ...common, type: z.literal('text'), text: z.string() })
export type TextContent = z.infer<typeof TextContent>

/** An image to or from a language model. */
export const ImageContent = openObject({
  ...common,
  type: z.literal('image'),
  /** Base64. */
  data: z.string(),
  mimeType: z.string(),
})
export type ImageContent = z.infer<typeof ImageContent>

/** Sound to or from a language model. Since 2025-03-26. */
export const AudioContent = openObject({
  ...common,
  type: z.literal('audio'),
  /** Base64. */
  data: z.string(),
  mimeType: z.string(),
})
export type AudioContent = z.infer<typeof AudioContent>

/** A link to a resource that can be read. `resources/list` need not contain it. Since 2025-06-18. */
export const ResourceLink = openObject({ ...Resource.shape, type: z.literal('resource_link') })
export type ResourceLink = z.infer<typeof ResourceLink>

/** The contents of a resource, in a prompt or in the result of a tool. */
export const EmbeddedResource = openObject({
  ...common,
  type: z.literal('resource'),
  resource: z.union([TextResourceContents, BlobResourceContents]),
})
export type EmbeddedResource = z.infer<typeof EmbeddedResource>

/** One part of a prompt message or of a tool result. `type` tells the kinds apart. */
export const ContentBlock = taggedUnion('type', [
  TextContent,
  ImageContent,
  AudioContent,
  ResourceLink,
  EmbeddedResource,
])
export type ContentBlock = z.infer<typeof ContentBlock>
