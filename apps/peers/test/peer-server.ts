import type { PeerClient } from './peer-client.ts'

/** A tool of a server, with what it is called, and a part of what it answers. */
interface Offer {
  tool: string
  args: object
  says: string
}

/** What a server has for the checks to use. */
export interface Offers {
  /** Answers at once. */
  add: Offer
  /** Tells of its progress: `heard`. */
  steps: Offer & { heard: number[] }
  /** Asks the client for a name, which it says. */
  greet: Offer
  /** Can be read, and subscribed to. */
  resource: { uri: string; says: string }
}

/** What every server has that is not taken as it comes. */
export const offers = {
  add: { tool: 'add', args: { a: 2, b: 3 }, says: '5' },
  steps: { tool: 'steps', args: {}, says: 'done', heard: [1, 2, 3] },
  greet: { tool: 'greet', args: {}, says: 'Hello Ada' },
  resource: { uri: 'peer://news', says: 'news' },
} satisfies Offers

/** What a server asks of its client's user. */
export const question = {
  message: 'Who is it?',
  requestedSchema: {
    type: 'object' as const,
    properties: { name: { type: 'string' as const } },
    required: ['name'],
  },
}

/** A server that runs. */
export interface Served {
  port: number
  /** Where a client comes in, unless it goes somewhere by itself. */
  path: string
  offers: Offers
  /**
   * Changes the resource. Gives a part of what it says from now on.
   *
   * @param client for servers that change nothing but at a client's request.
   */
  change(client: PeerClient): Promise<string>
  /** Adds a resource, so that the list of resources changes. Gives its URI. */
  addResource(client: PeerClient): Promise<string>
  close(): Promise<void>
}

/** A server that takes part, and how it is made. */
export interface ServerKind {
  name: string
  /** The newest revision it speaks. */
  revision: string
  start(): Promise<Served>
}
