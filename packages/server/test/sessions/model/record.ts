import { parseEventId } from '../../../src/sessions/event-id.ts'

/** How a client comes back: by which id of those that it has seen, or by one that it has made up. */
export type Return =
  | { by: 'last' | 'nothing' }
  | { by: 'stale'; back: number }
  | { by: 'forged'; position: number; mail: number }
  | { by: 'nonsense' }

interface Seen {
  /** Empty for what one cannot come back from. */
  readonly id: string
  readonly epoch: string
  readonly position: number
  /** The number of a message; undefined for a change. */
  readonly mail: number | undefined
  readonly topic: string | undefined
}

const lists: { [method: string]: string } = {
  'notifications/tools/list_changed': 'tools',
  'notifications/prompts/list_changed': 'prompts',
  'notifications/resources/list_changed': 'resources',
}

/** What a client has been told on one stream, over its connections. Fails when it is told what cannot be. */
export class Record {
  #seen: Seen[] = []
  /** From here on the stream went on without a proof that nothing was lost before. */
  #segment = 0
  /** What was told before is not held against what is told again: the client asked for it by a lie. */
  #trueFrom = 0

  /** @param epoch of the index at present. */
  told(id: string, epoch: string, message: any): void {
    const topic = message && (lists[message.method] ?? message.params?.uri)
    const seen = { ...(id === '' ? { epoch, position: 0, mail: undefined } : parse(id)), id, topic }
    const before = this.#seen.slice(this.#segment).at(-1)
    if (before !== undefined && before.epoch === seen.epoch) {
      // Never back; and no change twice, but for what may have changed, nobody knows when.
      expect(seen.position).toBeGreaterThanOrEqual(before.position)
      if (topic !== undefined && seen.position > 0) expect(seen.position).toBeGreaterThan(before.position)
    }
    const lastMail = this.#seen
      .slice(this.#trueFrom)
      .findLast((other) => other.mail !== undefined && other.topic === undefined)
    if (topic === undefined && message !== undefined && seen.mail !== undefined && lastMail !== undefined) {
      const next = lastMail.mail! + 1
      // No message is left out, and none comes twice.
      if (this.#seen.indexOf(lastMail) >= this.#segment) expect(seen.mail).toBe(next)
      else expect(seen.mail).toBeGreaterThanOrEqual(next)
    }
    this.#seen.push(seen)
  }

  wasTold(topic: string, position: number, epoch: string): boolean {
    return this.#seen.some(
      (seen) => seen.topic === topic && seen.position === position && seen.epoch === epoch,
    )
  }

  idFor(how: Return): string {
    const ids = this.#seen.map(({ id }) => id).filter((id) => id !== '')
    const last = ids.at(-1) ?? ''
    if (how.by === 'nothing') return ''
    if (how.by === 'nonsense') return 'nonsense'
    if (last === '') return ''
    if (how.by === 'forged') return forge(last, how)
    if (how.by === 'stale') return ids[Math.max(0, ids.length - 1 - how.back)]!
    return last
  }

  /** The stream goes on after the id. */
  returned(id: string): void {
    const index = this.#seen.findLastIndex((seen) => seen.id === id)
    if (index === -1) return this.lost()
    this.#seen = this.#seen.slice(0, index + 1)
    this.#segment = Math.min(this.#segment, index)
    this.#trueFrom = Math.min(this.#trueFrom, index + 1)
  }

  /** The stream begins anew: what was in flight may be lost, and changes be told again. */
  lost(): void {
    this.#segment = this.#seen.length
  }

  /** The client has come back by a lie, and gets what it asked for. */
  lied(): void {
    this.lost()
    this.#trueFrom = this.#seen.length
  }
}

function parse(id: string): { epoch: string; position: number; mail: number | undefined } {
  const [epoch, position] = id.split('.') as [string, string]
  const eventId = id.split('.').length > 2 ? parseEventId(id) : undefined
  return eventId === undefined
    ? { epoch, position: Number(position), mail: undefined }
    : { epoch: eventId.epoch, position: eventId.position, mail: eventId.mail }
}

function forge(id: string, { position, mail }: { position: number; mail: number }): string {
  const parts = id.split('.')
  const at = parts.length === 2 ? 1 : 2
  parts[at] = String(Number(parts[at]) + position)
  if (parts[3] !== undefined) parts[3] = String(Number(parts[3]) + mail)
  return parts.join('.')
}
