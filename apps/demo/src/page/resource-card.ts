import type { ReadResourceResult, Resource } from '@tidings/client'
import { clockTime } from '../clock-time.ts'
import { eachFrame } from './each-frame.ts'
import { element } from './element.ts'
import { formatBytes, membersOf } from '../format-value.ts'
import { Plot } from './plot.ts'

/** One resource: its value as it is now, how often it was announced, and when last. */
export class ResourceCard {
  readonly element: HTMLElement
  readonly #value = element('div', { class: 'value' }, '…')
  readonly #count = element('span', { class: 'count' }, 'no update yet')
  readonly #mark = element('span', { class: 'mark', 'aria-hidden': 'true' })
  readonly #plot: Plot | undefined
  #updates = 0
  #updatedAt = new Date()
  #contents: ReadResourceResult['contents'] = []
  readonly #drawValue = eachFrame(() => this.#value.replaceChildren(...this.#contents.map(show)))
  readonly #drawCount = eachFrame(() => {
    const times = this.#updates === 1 ? '1 update' : `${this.#updates.toLocaleString()} updates`
    this.#count.textContent = `${times}, last ${clockTime(this.#updatedAt)}`
    this.#mark.animate([{ opacity: 1 }, { opacity: 0.15 }], {
      duration: 900,
      fill: 'forwards',
      easing: 'ease-out',
    })
  })

  constructor(resource: Resource) {
    const title = resource.title ?? resource.name
    const isPlotted = resource.uri === 'system://cpu' || resource.uri === 'system://memory'
    if (isPlotted) this.#plot = new Plot(title)
    this.element = element(
      'article',
      { class: isPlotted ? 'card plotted' : 'card', 'data-uri': resource.uri, 'aria-label': title },
      element('header', {}, element('h3', {}, title), element('code', {}, resource.uri)),
      this.#value,
      ...(this.#plot ? [this.#plot.element] : []),
      element('footer', {}, this.#mark, this.#count),
    )
  }

  /** What a read gave. */
  show({ contents }: ReadResourceResult): void {
    this.#contents = contents
    this.#drawValue()
    const percent = this.#plot && percentOf(contents)
    if (percent !== undefined) this.#plot?.push(percent)
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
}

type Contents = ReadResourceResult['contents'][number]

function show(part: Contents): Node {
  const members = membersOf(part)
  if (members?.length === 1 && members[0]?.label === '')
    return element('p', { class: 'big' }, members[0].text)
  if (members) {
    const shown = members.map(({ label, text }) =>
      element('div', {}, element('dt', {}, label), element('dd', {}, text)),
    )
    return element('dl', {}, ...shown)
  }
  if ('blob' in part) return element('p', {}, formatBytes((part.blob.length * 3) / 4))
  const isLine = part.mimeType === 'text/plain' && part.text.length < 60 && !part.text.includes('\n')
  return isLine
    ? element('p', { class: 'big' }, part.text)
    : element('pre', { tabindex: 0 }, part.text || '(empty)')
}

function percentOf([part]: Contents[]): number | undefined {
  if (!part || !('text' in part)) return undefined
  const value = JSON.parse(part.text) as { busyPercent?: number; usedPercent?: number }
  return value.busyPercent ?? value.usedPercent
}
