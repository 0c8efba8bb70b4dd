import { eachFrame } from './each-frame.ts'
import { byId } from './element.ts'
import { LogGroup, type LogKind } from './log-group.ts'
import { place } from './place.ts'

// How many topics are kept. The one that has been quiet the longest goes first.
const keptGroups = 100

/** What came from the server, one line for each topic, the newest news first. */
export class Log {
  readonly #list = byId('log-groups')
  readonly #total = byId('log-total')
  readonly #filter = byId('log-filter') as HTMLInputElement
  readonly #pause = byId('log-pause') as HTMLInputElement
  // In the order of their latest arrivals.
  readonly #groups = new Map<string, LogGroup>()
  #count = 0
  readonly #draw = eachFrame(() => this.#drawNow())

  constructor() {
    this.#filter.addEventListener('input', this.#draw)
    this.#pause.addEventListener('change', this.#draw)
  }

  /** Something arrived: its topic, such as a URI, and a text where the topic alone does not say it. */
  add(kind: LogKind, topic: string, text = ''): void {
    const key = `${kind} ${topic}`
    const group = this.#groups.get(key) ?? new LogGroup(kind, topic)
    this.#groups.delete(key)
    this.#groups.set(key, group)
    if (this.#groups.size > keptGroups) this.#groups.delete(this.#groups.keys().next().value ?? '')
    this.#count += 1
    group.add(new Date(), text)
    this.#draw()
  }

  #drawNow(): void {
    this.#total.textContent = this.#count.toLocaleString()
    if (this.#pause.checked) return
    const wanted = this.#filter.value.trim().toLowerCase()
    const shown = [...this.#groups.values()]
      .filter((group) => group.includes(wanted))
      .sort((one, other) => other.newsAt - one.newsAt)
    for (const group of shown) group.draw()
    place(
      this.#list,
      shown.map((group) => group.element),
    )
  }
}
