import { offers } from '../peer-server.ts'

/** What the servers made for the tests serve: a resource that changes, and others that are added. */
export class Shelf {
  readonly #texts = new Map([[offers.resource.uri, 'news 0']])
  #edition = 0

  get uris(): string[] {
    return [...this.#texts.keys()]
  }

  read(uri: string): string {
    return this.#texts.get(uri)!
  }

  /** Changes the resource that changes. Gives what it says now. */
  change(): string {
    const news = `news ${++this.#edition}`
    this.#texts.set(offers.resource.uri, news)
    return news
  }

  /** Adds a resource. Gives its URI. */
  add(): string {
    const uri = `peer://added/${this.#texts.size}`
    this.#texts.set(uri, 'added')
    return uri
  }
}
