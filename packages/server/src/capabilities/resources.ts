import {
  type Annotations,
  errorCodes,
  isModernRevision,
  type Icon,
  McpError,
  type Meta,
  normalUri,
  type ReadResourceResult,
  type Resource,
  type ResourceTemplate,
} from '@tidings/protocol'
import type { ChangeIndex } from '../changes/change-index.ts'
import { requireWatchable } from '../changes/topic.ts'
import { type CacheHint, hintFor, requireCacheHints } from './cache-hints.ts'
import type { Completers } from './completion.ts'
import type { HandlerContext } from '../requests/context.ts'
import type { Logger } from '../logger.ts'
import { textOf } from '../requests/encode.ts'
import type { MethodHandlers } from '../requests/method-handlers.ts'
import { within } from '../async/deadline.ts'
import { isPromise } from '../async/is-promise.ts'
import { describe, requireRegistration } from '../options.ts'
import { type ListOptions, pageOf } from './pages.ts'
import type { Peer } from '../requests/peer.ts'
import { UriTemplate, type Variables } from './uri-template.ts'

/** The context of a read. */
export interface ReadContext extends HandlerContext {
  /** The URI of the request. */
  readonly uri: string
}

/**
 * The contents of a resource: a string is text, bytes are a blob, `{ contents: [...] }` is sent as it is, and any other value
 * becomes JSON text. `undefined` means that there is no such resource.
 */
export type ResourceBody =
  string | Uint8Array | ReadResourceResult | object | number | boolean | null | undefined

/** The listing of a resource or a template. */
export interface ResourceOptions {
  /** A name for programs. Default: the URI. */
  name?: string
  title?: string
  description?: string
  /** The media type of the contents. Default for JSON text: `application/json`. */
  mimeType?: string
  annotations?: Annotations
  icons?: Icon[]
  _meta?: Meta
  /** How long, and for whom, clients may cache the contents. Default: not at all. */
  cacheHint?: CacheHint
}

export interface FixedResourceOptions extends ResourceOptions {
  /** The size in bytes, before any encoding. */
  size?: number
}

export interface TemplateOptions extends ResourceOptions {
  /**
   * Lists the resources of this template that exist now, for `resources/list`. When it throws, or takes more than 10
   * seconds, they are left out of the list, and the error is logged.
   */
  list?: (context: HandlerContext) => Resource[] | Promise<Resource[]>
  /** Completers of the variables, by name. */
  complete?: Completers
}

/** A registered resource. */
export interface ResourceHandle {
  readonly uri: string
  /** Tells every subscriber that the contents have changed. */
  readonly changed: () => void
  /** Changes the listing; options that you leave out stay as they are. Clients are told. */
  readonly update: (options: FixedResourceOptions) => void
  /** Removes it. Clients are told. */
  readonly remove: () => void
}

/** A registered template. */
export interface TemplateHandle {
  readonly uriTemplate: string
  /**
   * Tells every subscriber of the URI that its contents have changed.
   *
   * @throws {TypeError} when the URI does not match the template.
   */
  readonly changed: (uri: string) => void
  /** Tells every client that `list` now returns another list. */
  readonly listChanged: () => void
  /** Changes the listing; options that you leave out stay as they are. Clients are told. */
  readonly update: (options: ResourceOptions) => void
  /** Removes it. Clients are told. */
  readonly remove: () => void
}

interface RegisteredResource {
  listing: Resource
  cacheHint: CacheHint | undefined
  read: (context: ReadContext) => ResourceBody | Promise<ResourceBody>
}

/** A resource that can be read: fixed, or one of a template. */
type Readable = Omit<RegisteredResource, 'listing'> & { listing: { mimeType?: string | undefined } }

interface RegisteredTemplate {
  listing: ResourceTemplate
  cacheHint: CacheHint | undefined
  template: UriTemplate
  list: TemplateOptions['list']
  complete: Completers
  read: (variables: Variables, context: ReadContext) => ResourceBody | Promise<ResourceBody>
}

interface ResourceListOptions extends ListOptions {
  templatesHint: CacheHint | undefined
}

/** A template whose `list` takes longer is left out of the list: the others cannot wait for it for ever. */
const listTimeoutMs = 10_000

/** The resources and templates of a server, and the handlers of their methods. */
export class Resources {
  /** By the normal form of the URI. */
  readonly #resources = new Map<string, RegisteredResource>()
  readonly #templates = new Map<string, RegisteredTemplate>()
  readonly #changes: ChangeIndex
  readonly #logger: Logger
  readonly #options: ResourceListOptions

  constructor(changes: ChangeIndex, logger: Logger, options: ResourceListOptions) {
    this.#changes = changes
    this.#logger = logger
    this.#options = options
  }

  add(uri: string, options: FixedResourceOptions, read: RegisteredResource['read']): ResourceHandle {
    requireRegistration(`The resource ${uri}`, options, read)
    const { cacheHint, ...listed } = options
    requireCacheHints({ cacheHint })
    if (!uri.includes(':'))
      throw new TypeError(`A resource is named by a URI, with a scheme; got ${JSON.stringify(uri)}`)
    const key = normalUri(uri)
    if (this.#resources.has(key)) throw new TypeError(`The resource ${uri} is registered already`)
    const resource: RegisteredResource = { listing: { name: uri, ...listed, uri }, cacheHint, read }
    this.#resources.set(key, resource)
    this.#changes.publish('resources')
    return {
      uri,
      changed: () => this.#changes.publish(uri),
      update: ({ cacheHint = resource.cacheHint, ...changes }) => {
        resource.listing = { ...resource.listing, ...changes }
        resource.cacheHint = cacheHint
        this.#changes.publish('resources')
      },
      remove: () => {
        if (this.#resources.get(key) === resource && this.#resources.delete(key))
          this.#changes.publish('resources')
      },
    }
  }

  addTemplate(
    uriTemplate: string,
    options: TemplateOptions,
    read: RegisteredTemplate['read'],
  ): TemplateHandle {
    requireRegistration(`The template ${uriTemplate}`, options, read)
    const { list, complete = {}, cacheHint, ...listed } = options
    requireCacheHints({ cacheHint })
    if (this.#templates.has(uriTemplate))
      throw new TypeError(`The template ${uriTemplate} is registered already`)
    const template = new UriTemplate(uriTemplate)
    for (const name of Object.keys(complete)) {
      if (!template.names.includes(name))
        throw new TypeError(`${uriTemplate} has no variable ${name} to complete`)
    }
    const registered: RegisteredTemplate = {
      listing: { name: uriTemplate, ...listed, uriTemplate },
      cacheHint,
      template,
      list,
      complete,
      read,
    }
    this.#templates.set(uriTemplate, registered)
    this.#changes.publish('resources')
    return {
      uriTemplate,
      changed: (uri) => {
        if (template.match(uri) === undefined)
          throw new TypeError(`${uri} is not of the template ${uriTemplate}`)
        this.#changes.publish(uri)
      },
      listChanged: () => this.#changes.publish('resources'),
      update: ({ cacheHint = registered.cacheHint, ...changes }) => {
        registered.listing = { ...registered.listing, ...changes }
        registered.cacheHint = cacheHint
        this.#changes.publish('resources')
      },
      remove: () => {
        if (this.#templates.get(uriTemplate) !== registered) return
        this.#templates.delete(uriTemplate)
        this.#changes.publish('resources')
      },
    }
  }

  /** The completers of a template's variables. */
  completersOf(uriTemplate: string): Completers | undefined {
    return (
      this.#templates.get(uriTemplate)?.complete ??
      (this.#resources.has(normalUri(uriTemplate)) ? {} : undefined)
    )
  }

  readonly methods = {
    'resources/list': async (params, context, peer) => {
      const fixed = [...this.#resources.values()].map(({ listing }) => listing)
      const lists = [...this.#templates.values()].map((template) => this.#listOf(template, context))
      const { page, ...rest } = pageOf(
        [...fixed, ...(await Promise.all(lists)).flat()],
        params?.cursor,
        this.#options.pageSize,
      )
      return { resources: page, ...rest, ...hintFor(peer, this.#options.cacheHint) }
    },
    'resources/templates/list': (params, _context, peer) => {
      const { page, ...rest } = pageOf([...this.#templates.values()], params?.cursor, this.#options.pageSize)
      const resourceTemplates = page.map(({ listing }) => listing)
      return { resourceTemplates, ...rest, ...hintFor(peer, this.#options.templatesHint) }
    },
    'resources/read': ({ uri }, context, peer) => this.#read(uri, context, peer),
    'resources/subscribe': ({ uri }, _context, peer) => {
      requireWatchable(uri)
      this.#require(uri, peer)
      peer.session?.watch(uri)
      return {}
    },
    'resources/unsubscribe': ({ uri }, _context, { session }) => {
      session?.unwatch(uri)
      return {}
    },
  } satisfies MethodHandlers

  async #read(uri: string, context: HandlerContext, peer: Peer): Promise<ReadResourceResult> {
    const { listing, cacheHint, read } = this.#require(uri, peer)
    // Put on the context itself, which belongs to this call alone: its getters do not work on another object.
    const body = await read(Object.assign(context, { uri }))
    if (body === undefined) throw notFound(uri, peer)
    return { ...contentsOf(uri, body, listing.mimeType), ...hintFor(peer, cacheHint) }
  }

  /** True when the URI belongs to a resource, or matches a template. */
  has(uri: string): boolean {
    return this.#find(uri) !== undefined
  }

  #require(uri: string, peer: Peer): Readable {
    const found = this.#find(uri)
    if (found !== undefined) return found
    throw notFound(uri, peer)
  }

  /** The resources of a template. One that fails is left out: the rest of the list is of use without it. */
  async #listOf({ list, listing }: RegisteredTemplate, context: HandlerContext): Promise<Resource[]> {
    if (list === undefined) return []
    const { uriTemplate } = listing
    try {
      const given = list(context)
      const listed = isPromise(given) ? await within(given, listTimeoutMs, tooSlow) : given
      if (!Array.isArray(listed)) {
        throw new TypeError(`list must return an array of resources, it returned ${describe(listed)}`)
      }
      const resources = listed.filter((each) => typeof (each as Resource | null)?.uri === 'string')
      if (resources.length < listed.length) {
        const err = new TypeError('list must return resources, each with a uri')
        const fields = { err, template: uriTemplate, count: listed.length - resources.length }
        this.#logger.error(fields, 'what is no resource left out of the list')
      }
      // What JSON cannot express fails here, and not the whole list.
      JSON.stringify(resources)
      return resources
    } catch (err) {
      this.#logger.error({ err, template: uriTemplate }, 'resources of a template left out of the list')
      return []
    }
  }

  #find(uri: string): Readable | undefined {
    const resource = this.#resources.get(normalUri(uri))
    if (resource !== undefined) return resource
    for (const { template, listing, cacheHint, read } of this.#templates.values()) {
      const variables = template.match(uri)
      if (variables !== undefined) return { listing, cacheHint, read: (context) => read(variables, context) }
    }
    return undefined
  }
}

function tooSlow(): Error {
  return new Error(`list took longer than ${listTimeoutMs} ms`)
}

function notFound(uri: string, { revision }: Peer): McpError {
  const data = { uri: uri.slice(0, 1000) }
  const code = isModernRevision(revision) ? errorCodes.invalidParams : errorCodes.resourceNotFound
  return new McpError(code, `Resource not found: ${uri.slice(0, 200)}`, { data })
}

function contentsOf(
  uri: string,
  body: NonNullable<ResourceBody> | null,
  mimeType: string | undefined,
): ReadResourceResult {
  if (typeof body === 'string')
    return { contents: [{ uri, ...(mimeType !== undefined && { mimeType }), text: body }] }
  if (body instanceof Uint8Array) {
    const blob = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('base64')
    return { contents: [{ uri, mimeType: mimeType ?? 'application/octet-stream', blob }] }
  }
  if (typeof body === 'object' && body !== null && 'contents' in body && Array.isArray(body.contents)) {
    return body
  }
  return {
    contents: [
      {
        uri,
        mimeType: mimeType ?? 'application/json',
        text: textOf(body, () => `What the read of ${uri.slice(0, 200)} returned`),
      },
    ],
  }
}
