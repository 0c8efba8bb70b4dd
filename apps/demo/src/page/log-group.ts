import { clockTime } from '../clock-time.ts'
import { element } from './element.ts'
import { pulse } from './pulse.ts'

// How many arrivals of one topic are kept. Older ones are gone, but stay counted.
const keptArrivals = 20
// A topic that was quiet for this long is news when it speaks again.
const quietMs = 15_000

export type LogKind = 'updated' | 'list' | 'message' | 'progress' | 'connection'

const kindWords: Record<LogKind, string> = {
  updated: 'resource updated',
  list: 'list changed',
  message: 'log message',
  progress: 'progress',
  connection: 'on this page',
}

interface Arrival {
  at: Date
  sinceMs: number | undefined
  text: string
}

/** Everything that arrived about one topic: a line with its count, which opens to show the latest arrivals. */
export class LogGroup {
  readonly element: HTMLDetailsElement
  readonly #kind: LogKind
  readonly #topic: string
  readonly #mark = element('span', { class: 'mark', 'aria-hidden': 'true' })
  readonly #count = element('span', { class: 'times' })
  readonly #last = element('time')
  readonly #text = element('span', { class: 'latest' })
  readonly #rows = element('tbody')
  #arrivals: Arrival[] = []
  #total = 0
  #drawn = 0
  #newsAt = 0

  constructor(kind: LogKind, topic: string) {
    this.#kind = kind
    this.#topic = topic
    const about = element('span', { class: 'about' }, element('span', { class: 'topic' }, topic), this.#text)
    const heads = ['Arrived', 'After', ''].map((head) => element('th', { scope: 'col' }, head))
    const table = element('table', {}, element('thead', {}, element('tr', {}, ...heads)), this.#rows)
    this.element = element(
      'details',
      { class: `group ${kind}`, 'data-topic': topic },
      element('summary', {}, this.#mark, about, this.#count, this.#last),
      table,
    )
    this.element.addEventListener('toggle', () => this.#drawRows())
  }

  /** When its latest run of arrivals began: a topic that ticks keeps its place, one that was quiet comes first. */
  get newsAt(): number {
    return this.#newsAt
  }

  add(at: Date, text: string): void {
    const before = this.#arrivals.at(-1)
    const sinceMs = before && at.getTime() - before.at.getTime()
    if (sinceMs === undefined || sinceMs > quietMs) this.#newsAt = at.getTime()
    this.#total += 1
    this.#arrivals.push({ at, sinceMs, text })
    if (this.#arrivals.length > 2 * keptArrivals) this.#arrivals = this.#arrivals.slice(-keptArrivals)
  }

  includes(words: string): boolean {
    const texts = this.#arrivals.map(({ text }) => text).join(' ')
    return `${this.#topic} ${kindWords[this.#kind]} ${texts}`.toLowerCase().includes(words)
  }

  /** Shows what was added since it was last drawn. */
  draw(): void {
    const latest = this.#arrivals.at(-1)
    if (!latest || this.#drawn === this.#total) return
    this.#drawn = this.#total
    this.#count.textContent = `×${this.#total.toLocaleString()}`
    this.#last.textContent = clockTime(latest.at)
    this.#last.dateTime = latest.at.toISOString()
    this.#text.textContent = latest.text || kindWords[this.#kind]
    pulse(this.#mark)
    this.#drawRows()
  }

  #drawRows(): void {
    if (!this.element.open) return
    this.#rows.replaceChildren(...this.#arrivals.slice(-keptArrivals).reverse().map(row))
  }
}

function row({ at, sinceMs, text }: Arrival): HTMLElement {
  return element(
    'tr',
    {},
    element('td', {}, element('time', { datetime: at.toISOString() }, clockTime(at))),
    element('td', {}, sinceMs === undefined ? '' : `+${(sinceMs / 1000).toFixed(3)} s`),
    element('td', {}, text),
  )
}
