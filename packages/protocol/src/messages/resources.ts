import * as z from 'zod/mini'
import { listOf } from '../zod/collections.ts'
import { Annotations } from './annotations.ts'
import { CacheableResult } from './caching.ts'
import { InputResponseRequestParams } from './input-responses.ts'
import { Meta, NotificationParams, RequestParams } from '../jsonrpc/jsonrpc.ts'
import { BaseMetadata, Icons } from './lifecycle.ts'
import { openObject } from '../zod/open-object.ts'
import { PaginatedResult } from './pagination.ts'

const common = {
  ...BaseMetadata.shape,
  ...Icons.shape,
  /** For people, and for the model as a hint. */
  description: z.optional(z.string()),
  mimeType: z.optional(z.string()),
  annotations: z.optional(Annotations),
  /** Since 2025-06-18. */
  _meta: z.optional(Meta),
}

/** A resource of a server. */
export const Resource = openObject({
  ...common,
  uri: z.string(),
  /** The size of the raw content in bytes, if known. */
  size: z.optional(z.number()),
})
export type Resource = z.infer<typeof Resource>

/** A set of resources of a server, one for each expansion of an RFC 6570 template. */
export const ResourceTemplate = openObject({ ...common, uriTemplate: z.string() })
export type ResourceTemplate = z.infer<typeof ResourceTemplate>

/** The fields that text and binary contents share. */
export const ResourceContents = openObject({
  uri: z.string(),
  mimeType: z.optional(z.string()),
  /** Since 2025-06-18. */
  _meta: z.optional(Meta),
})
export type ResourceContents = z.infer<typeof ResourceContents>

/** Text contents. */
export const TextResourceContents = openObject({ ...ResourceContents.shape, text: z.string() })
export type TextResourceContents = z.infer<typeof TextResourceContents>

/** Binary contents. */
export const BlobResourceContents = openObject({
  ...ResourceContents.shape,
  /** Base64. */
  blob: z.string(),
})
export type BlobResourceContents = z.infer<typeof BlobResourceContents>

/** Result of `resources/list`. */
export const ListResourcesResult = openObject({
  ...PaginatedResult.shape,
  ...CacheableResult.shape,
  resources: listOf(Resource),
})
export type ListResourcesResult = z.infer<typeof ListResourcesResult>

/** Result of `resources/templates/list`. */
export const ListResourceTemplatesResult = openObject({
  ...PaginatedResult.shape,
  ...CacheableResult.shape,
  resourceTemplates: listOf(ResourceTemplate),
})
export type ListResourceTemplatesResult = z.infer<typeof ListResourceTemplatesResult>

/** Params with the URI of a resource. */
export const ResourceRequestParams = openObject({ ...RequestParams.shape, uri: z.string() })
export type ResourceRequestParams = z.infer<typeof ResourceRequestParams>

/** Params of `resources/read`. */
export const ReadResourceRequestParams = openObject({
  ...ResourceRequestParams.shape,
  ...InputResponseRequestParams.shape,
})
export type ReadResourceRequestParams = z.infer<typeof ReadResourceRequestParams>

/** Result of `resources/read`: the contents of the resource, or of each of its parts, such as the files of a folder. */
export const ReadResourceResult = openObject({
  ...CacheableResult.shape,
  contents: listOf(z.union([TextResourceContents, BlobResourceContents])),
})
export type ReadResourceResult = z.infer<typeof ReadResourceResult>

/** Params of `resources/subscribe`. */
export const SubscribeRequestParams = ResourceRequestParams
export type SubscribeRequestParams = ResourceRequestParams

/** Params of `resources/unsubscribe`. */
export const UnsubscribeRequestParams = ResourceRequestParams
export type UnsubscribeRequestParams = ResourceRequestParams

/** Params of `notifications/resources/updated`: the contents of this URI have changed. */
export const ResourceUpdatedNotificationParams = openObject({
  ...NotificationParams.shape,
  /** The URI may be a sub-resource of the one in the subscription. */
  uri: z.string(),
})
export type ResourceUpdatedNotificationParams = z.infer<typeof ResourceUpdatedNotificationParams>
