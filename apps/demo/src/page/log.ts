import { clockTime } from '../clock-time.ts'
import { eachFrame } from './each-frame.ts'
import { byId, element } from './element.ts'

// How many rows are kept. Older ones are gone.
const keptRows = 200

export type LogKind = 'updated' | 'list' | 'message' | 'progress' | 'connection'

interface Entry {
  at: Date
  sinceMs: number | undefined
  kind: LogKind
  about: string
}

/** What came from the server, newest first, with the time it arrived. */
export class Log {
  readonly #rows = byId('log-rows')
  readonly #total = byId('log-total')
  readonly #filter = byId('log-filter') as HTMLInputElement
  readonly #pause = byId('log-pause') as HTMLInputElement
  readonly #lastAt = new Map<string, Date>()
  #entries: Entry[] = []
  #count = 0
  readonly #draw = eachFrame(() => this.#drawNow())

  constructor() {
    this.#filter.addEventListener('input', this.#draw)
    this.#pause.addEventListener('change', this.#draw)
  }

  /** Something arrived: `about` is its subject in a few words. */
  add(kind: LogKind, about: string): void {
    const at = new Date()
    const key = `${kind} ${about}`
    const before = this.#lastAt.get(key)
    this.#lastAt.delete(key)
    this.#lastAt.set(key, at)
    if (this.#lastAt.size > keptRows) this.#lastAt.delete(this.#lastAt.keys().next().value ?? '')
    this.#count += 1
    this.#entries.push({ at, sinceMs: before && at.getTime() - before.getTime(), kind, about })
    if (this.#entries.length > 2 * keptRows) this.#entries = this.#entries.slice(-keptRows)
    this.#draw()
  }

  #drawNow(): void {
    this.#total.textContent = this.#count.toLocaleString()
    if (this.#pause.checked) return
    const wanted = this.#filter.value.trim().toLowerCase()
    const shown = this.#entries
      .slice(-keptRows)
      .filter(({ kind, about }) => `${kind} ${about}`.toLowerCase().includes(wanted))
      .reverse()
    this.#rows.replaceChildren(...shown.map(row))
  }
}

function row({ at, sinceMs, kind, about }: Entry): HTMLElement {
  return element(
    'tr',
    { class: kind },
    element('td', {}, element('time', { datetime: at.toISOString() }, clockTime(at))),
    element('td', {}, sinceMs === undefined ? '' : `+${(sinceMs / 1000).toFixed(3)} s`),
    element('td', {}, element('span', { class: 'kind' }, kind)),
    element('td', {}, about),
  )
}
