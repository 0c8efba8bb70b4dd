import type { Client, ReadResourceResult, Resource } from '@tidings/client'
import { showContents } from './contents.ts'
import { counterButtons } from './counter-buttons.ts'
import { eachFrame } from './each-frame.ts'
import { element } from './element.ts'
import { Plot } from './plot.ts'
import { pulse } from './pulse.ts'

const timeToTheSecond = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hourCycle: 'h23' })

// The value that is plotted, and the top of its scale; without one the scale fits the values.
const plotted: Record<string, { member: string; top?: number }> = {
  'system://cpu': { member: 'busyPercent', top: 100 },
  'system://memory': { member: 'usedPercent', top: 100 },
  'system://load': { member: '1 min' },
}

/** One resource: its value as it is now, how often it was announced, and when last. */
export class ResourceCard {
  readonly element: HTMLElement
  readonly #value = element('div', { class: 'value' }, '…')
  readonly #count = element('span', { class: 'count' }, 'no update yet')
  readonly #mark = element('span', { class: 'mark', 'aria-hidden': 'true' })
  readonly #plotted: string
  readonly #plot: Plot | undefined
  #updates = 0
  #updatedAt = new Date()
  #contents: ReadResourceResult['contents'] = []
  readonly #drawValue = eachFrame(() => this.#value.replaceChildren(...this.#contents.flatMap(showContents)))
  readonly #drawCount = eachFrame(() => {
    const times = this.#updates === 1 ? '1 update' : `${this.#updates.toLocaleString()} updates`
    this.#count.textContent = `${times}, last ${timeToTheSecond.format(this.#updatedAt)}`
    pulse(this.#mark)
  })

  constructor(resource: Resource, client: Client) {
    const { uri } = resource
    const title = resource.title ?? resource.name
    const scale = plotted[uri]
    this.#plotted = scale?.member ?? ''
    if (scale) this.#plot = new Plot(title, scale.top)
    // A note shows its own heading.
    const isNote = uri.startsWith('note:')
    this.element = element(
      'article',
      { class: isNote ? 'card note' : 'card', 'data-uri': uri, 'aria-label': title },
      element('header', {}, element('h3', {}, isNote ? uri : title), isNote ? '' : element('code', {}, uri)),
      this.#value,
      ...(this.#plot ? [this.#plot.element] : []),
      ...(uri === 'demo://counter' ? [counterButtons(client)] : []),
      element('footer', {}, this.#mark, this.#count),
    )
  }

  /** What a read gave. */
  show({ contents }: ReadResourceResult): void {
    this.#contents = contents
    this.#drawValue()
    const value = this.#plot && memberOf(contents, this.#plotted)
    if (value !== undefined) this.#plot?.push(value)
  }

  /** The value could not be read. */
  fail(message: string): void {
    this.#contents = []
    this.#value.replaceChildren(element('p', { class: 'error' }, message))
  }

  /** An update was announced. */
  updated(at: Date): void {
    this.#updates += 1
    this.#updatedAt = at
    this.#drawCount()
  }

  /** Nothing is known until the connection is back. */
  interrupt(): void {
    this.#plot?.interrupt()
  }

  /** The connection is back, and no change was missed. */
  resume(): void {
    this.#plot?.resume()
  }
}

function memberOf([part]: ReadResourceResult['contents'], member: string): number | undefined {
  if (!part || !('text' in part)) return undefined
  const value = (JSON.parse(part.text) as Record<string, unknown>)[member]
  return typeof value === 'number' ? value : undefined
}
