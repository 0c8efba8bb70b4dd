import {
  type Annotations,
  errorCodes,
  type Icon,
  McpError,
  type Meta,
  type ReadResourceResult,
  type Resource,
  type ResourceTemplate,
} from '@tidings/protocol'
import type { Topic } from './changes/change-index.ts'
import type { Completers } from './completion.ts'
import type { HandlerContext } from './context.ts'
import type { MethodHandlers } from './method-handlers.ts'
import { pageOf } from './pages.ts'
import { UriTemplate, type Variables } from './uri-template.ts'

/** What the context of a read holds besides that of every handler. */
export interface ReadContext extends HandlerContext {
  /** The URI that is read. */
  readonly uri: string
}

/**
 * What a read gives: a string is text, bytes are a blob, `{ contents: [...] }` is taken as it is, and any other value
 * becomes JSON text. `undefined` says that there is no such resource.
 */
export type ResourceBody =
  string | Uint8Array | ReadResourceResult | object | number | boolean | null | undefined

/** How a resource or a template is listed. */
export interface ResourceOptions {
  /** For programs. The URI when left out. */
  name?: string
  title?: string
  description?: string
  /** Of what is read. JSON is `application/json` by itself. */
  mimeType?: string
  annotations?: Annotations
  icons?: Icon[]
  _meta?: Meta
}

export interface FixedResourceOptions extends ResourceOptions {
  /** In bytes, before any encoding. */
  size?: number
}

export interface TemplateOptions extends ResourceOptions {
  /** The resources of this template that exist now, for `resources/list`. */
  list?: (context: HandlerContext) => Resource[] | Promise<Resource[]>
  /** Suggests values for variables, by name. */
  complete?: Completers
}

/** A registered resource. */
export interface ResourceHandle {
  readonly uri: string
  /** Tells every subscriber that what a read gives has changed. */
  readonly changed: () => void
  /** Changes how it is listed; options that are left out stay as they are. Clients are told. */
  readonly update: (options: FixedResourceOptions) => void
  /** Takes it away. Clients are told. */
  readonly remove: () => void
}

/** A registered template. */
export interface TemplateHandle {
  readonly uriTemplate: string
  /** Tells every subscriber of the URI that what a read of it gives has changed. */
  readonly changed: (uri: string) => void
  /** Tells every client that `list` now gives another list. */
  readonly listChanged: () => void
  /** Changes how it is listed; options that are left out stay as they are. Clients are told. */
  readonly update: (options: ResourceOptions) => void
  /** Takes it away. Clients are told. */
  readonly remove: () => void
}

interface RegisteredResource {
  listing: Resource
  read: (context: ReadContext) => ResourceBody | Promise<ResourceBody>
}

interface RegisteredTemplate {
  listing: ResourceTemplate
  template: UriTemplate
  list: TemplateOptions['list']
  complete: Completers
  read: (variables: Variables, context: ReadContext) => ResourceBody | Promise<ResourceBody>
}

/** The resources and templates of a server, and how it answers for them. */
export class Resources {
  readonly #resources = new Map<string, RegisteredResource>()
  readonly #templates = new Map<string, RegisteredTemplate>()
  readonly #publish: (topic: Topic) => void
  readonly #pageSize: number | undefined

  /** @param publish announces that a URI, or the list, has changed. */
  constructor(publish: (topic: Topic) => void, pageSize: number | undefined) {
    this.#publish = publish
    this.#pageSize = pageSize
  }

  add(uri: string, options: FixedResourceOptions, read: RegisteredResource['read']): ResourceHandle {
    if (!uri.includes(':'))
      throw new TypeError(`A resource is named by a URI, with a scheme; got ${JSON.stringify(uri)}`)
    if (this.#resources.has(uri)) throw new TypeError(`The resource ${uri} is registered already`)
    const resource: RegisteredResource = { listing: { name: uri, ...options, uri }, read }
    this.#resources.set(uri, resource)
    this.#publish('resources')
    return {
      uri,
      changed: () => this.#publish(uri),
      update: (changes) => {
        resource.listing = { ...resource.listing, ...changes }
        this.#publish('resources')
      },
      remove: () => {
        if (this.#resources.get(uri) === resource && this.#resources.delete(uri)) this.#publish('resources')
      },
    }
  }

  addTemplate(
    uriTemplate: string,
    { list, complete = {}, ...listed }: TemplateOptions,
    read: RegisteredTemplate['read'],
  ): TemplateHandle {
    if (this.#templates.has(uriTemplate))
      throw new TypeError(`The template ${uriTemplate} is registered already`)
    const template = new UriTemplate(uriTemplate)
    for (const name of Object.keys(complete)) {
      if (!template.names.includes(name))
        throw new TypeError(`${uriTemplate} has no variable ${name} to complete`)
    }
    const registered: RegisteredTemplate = {
      listing: { name: uriTemplate, ...listed, uriTemplate },
      template,
      list,
      complete,
      read,
    }
    this.#templates.set(uriTemplate, registered)
    this.#publish('resources')
    return {
      uriTemplate,
      changed: (uri) => this.#publish(uri),
      listChanged: () => this.#publish('resources'),
      update: (changes) => {
        registered.listing = { ...registered.listing, ...changes }
        this.#publish('resources')
      },
      remove: () => {
        if (this.#templates.get(uriTemplate) !== registered) return
        this.#templates.delete(uriTemplate)
        this.#publish('resources')
      },
    }
  }

  /** What completes the variables of a template. */
  completersOf(uriTemplate: string): Completers | undefined {
    return this.#templates.get(uriTemplate)?.complete ?? (this.#resources.has(uriTemplate) ? {} : undefined)
  }

  readonly methods = {
    'resources/list': async (params, context) => {
      const fixed = [...this.#resources.values()].map(({ listing }) => listing)
      const lists = [...this.#templates.values()].map(async ({ list }) => (await list?.(context)) ?? [])
      const { page, ...rest } = pageOf(
        [...fixed, ...(await Promise.all(lists)).flat()],
        params?.cursor,
        this.#pageSize,
      )
      return { resources: page, ...rest }
    },
    'resources/templates/list': (params) => {
      const { page, ...rest } = pageOf([...this.#templates.values()], params?.cursor, this.#pageSize)
      return { resourceTemplates: page.map(({ listing }) => listing), ...rest }
    },
    'resources/read': ({ uri }, context) => this.#read(uri, context),
    'resources/subscribe': ({ uri }, _context, session) => {
      this.#find(uri)
      session.watch(uri)
      return {}
    },
    'resources/unsubscribe': ({ uri }, _context, session) => {
      session.unwatch(uri)
      return {}
    },
  } satisfies MethodHandlers

  async #read(uri: string, context: HandlerContext): Promise<ReadResourceResult> {
    const { listing, read } = this.#find(uri)
    // Put on the context itself, which is of this call alone: its getters do not work on anything else.
    const body = await read(Object.assign(context, { uri }))
    if (body === undefined) throw notFound(uri)
    return contentsOf(uri, body, listing.mimeType)
  }

  #find(uri: string): RegisteredResource | { listing: ResourceTemplate; read: RegisteredResource['read'] } {
    const resource = this.#resources.get(uri)
    if (resource !== undefined) return resource
    for (const { template, listing, read } of this.#templates.values()) {
      const variables = template.match(uri)
      if (variables !== undefined) return { listing, read: (context) => read(variables, context) }
    }
    throw notFound(uri)
  }
}

function notFound(uri: string): McpError {
  const data = { uri: uri.slice(0, 1000) }
  return new McpError(errorCodes.resourceNotFound, `Resource not found: ${uri.slice(0, 200)}`, { data })
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
  return { contents: [{ uri, mimeType: mimeType ?? 'application/json', text: JSON.stringify(body) }] }
}
