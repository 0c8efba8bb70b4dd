/** The subscribers of each resource. The official packages leave it to their user to remember them. */
export class Subscriptions<Session> {
  readonly #sessions = new Map<string, Set<Session>>()

  add(uri: string, session: Session): void {
    let sessions = this.#sessions.get(uri)
    if (sessions === undefined) this.#sessions.set(uri, (sessions = new Set()))
    sessions.add(session)
  }

  remove(uri: string, session: Session): void {
    this.#sessions.get(uri)?.delete(session)
  }

  /** Of one that has ended. */
  removeAll(session: Session): void {
    for (const sessions of this.#sessions.values()) sessions.delete(session)
  }

  of(uri: string): Iterable<Session> {
    return this.#sessions.get(uri) ?? []
  }
}
