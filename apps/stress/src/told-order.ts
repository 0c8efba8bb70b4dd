/**
 * What a reader of one stream has been told, by the ids of its events, which are `session.epoch.position[.mail]`. Finds
 * what may never be: a position that goes back, a change that is told twice, a message that is missing, doubled or out of
 * order.
 */
export class ToldOrder {
  /** What was found to be wrong. */
  readonly faults: string[] = []
  #position = 0
  #mail = 0
  #anew = true

  /** The stream does not go on where it was left: what it says from now on is not compared with what it said before. */
  beginAnew(): void {
    this.#anew = true
  }

  /** The first event of a stream, which says again how far the reader has been told. */
  greeted(id: string): void {
    const { position, mail = 0 } = parseId(id)
    if (!this.#anew && (position !== this.#position || mail !== this.#mail))
      this.#fault(`resumed after ${this.#position}.${this.#mail}, the stream says it goes on after ${id}`)
    this.#set(position, mail)
  }

  /** A message: not a change. */
  message(id: string): void {
    const { position, mail = 0 } = parseId(id)
    if (!this.#anew && mail !== this.#mail + 1) this.#fault(`message ${id} came after message ${this.#mail}`)
    if (!this.#anew && position < this.#position) this.#fault(`${id} came after position ${this.#position}`)
    this.#set(position, mail)
  }

  /** A change, at its position. */
  change(id: string): void {
    const { position } = parseId(id)
    if (!this.#anew && position <= this.#position)
      this.#fault(`change ${id} came after position ${this.#position}`)
    this.#set(position, this.#mail)
  }

  #set(position: number, mail: number): void {
    this.#position = position
    this.#mail = mail
    this.#anew = false
  }

  #fault(fault: string): void {
    this.faults.push(fault)
  }
}

/** The parts of an event id, or of a position of the recovery extension. */
export function parseId(id: string): { epoch: string; position: number; mail?: number } {
  const parts = id.split('.')
  const [epoch, position, mail] = parts.length === 2 ? parts : parts.slice(1)
  return { epoch: epoch!, position: Number(position), ...(mail !== undefined && { mail: Number(mail) }) }
}
