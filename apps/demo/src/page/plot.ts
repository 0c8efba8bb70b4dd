import uPlot from 'uplot'
import { eachFrame } from './each-frame.ts'
import { element } from './element.ts'
import { timeSplits } from './time-splits.ts'

// How much of the past is shown, in seconds: what there is, between these.
const shortest = 5
const longest = 120

/** A value as it moves, over the last two minutes at most. */
export class Plot {
  readonly element: HTMLElement
  readonly #top: number | undefined
  readonly #times: number[] = []
  readonly #values: (number | null)[] = []
  #plot: uPlot | undefined
  #isLive = false
  readonly #draw = eachFrame(() => this.#drawNow())

  /** @param top the top of the scale; without it the scale fits the values. */
  constructor(label: string, top?: number) {
    this.#top = top
    this.element = element('div', {
      class: 'plot',
      role: 'img',
      'aria-label': `${label} over the last two minutes`,
    })
    new ResizeObserver(() => {
      this.#plot?.setSize(this.#size())
      this.#draw()
    }).observe(this.element)
    // A canvas does not follow the colours of the style sheet by itself.
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.#plot?.destroy()
      this.#plot = undefined
      this.#draw()
    })
    setInterval(this.#draw, 1000)
  }

  /** A new value, now. */
  push(value: number): void {
    this.#isLive = true
    this.#add(value)
  }

  /** No value is known from now on, until the next one: the line is interrupted. */
  interrupt(): void {
    if (this.#isLive) this.#add(null)
    this.#isLive = false
  }

  /** The last value still holds. */
  resume(): void {
    const last = this.#values.findLast((value) => value !== null)
    if (!this.#isLive && typeof last === 'number') this.push(last)
  }

  #add(value: number | null): void {
    this.#times.push(Date.now() / 1000)
    this.#values.push(value)
    const firstShown = this.#times.findIndex((time) => time > Date.now() / 1000 - longest)
    // One point before what is shown stays, for the line to come in from the left edge.
    if (firstShown > 1) {
      this.#times.splice(0, firstShown - 1)
      this.#values.splice(0, firstShown - 1)
    }
    this.#draw()
  }

  #drawNow(): void {
    if (!this.element.isConnected) return
    this.#plot ??= new uPlot(this.#options(), [[], []], this.element)
    // A value that is not announced again has not changed: the line goes on up to now.
    const last = this.#values.at(-1) ?? null
    this.#plot.setData([
      [...this.#times, Date.now() / 1000],
      [...this.#values, last],
    ])
  }

  #size() {
    return { width: Math.max(this.element.clientWidth, 80), height: this.element.clientHeight || 110 }
  }

  /** The seconds that are shown. */
  #span(): number {
    const age = Date.now() / 1000 - (this.#times[0] ?? Infinity)
    return Math.min(Math.max(age, shortest), longest)
  }

  #topOfScale(): number {
    const highest = Math.max(...this.#values.map((value) => value ?? 0))
    return this.#top ?? Math.max(Math.ceil(highest * 1.1), 1)
  }

  #options(): uPlot.Options {
    const style = getComputedStyle(this.element)
    const color = (name: string) => style.getPropertyValue(name).trim()
    const axis = {
      stroke: color('--muted'),
      font: `11px ${style.fontFamily}`,
      ticks: { show: false },
      grid: { stroke: color('--line'), width: 1 },
    }
    return {
      ...this.#size(),
      padding: [6, 2, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: true, range: () => [Date.now() / 1000 - this.#span(), Date.now() / 1000] },
        y: { range: () => [0, this.#topOfScale()] },
      },
      axes: [
        {
          ...axis,
          size: 18,
          gap: 3,
          grid: { show: false },
          splits: () => timeSplits(this.#span()).map((ago) => Date.now() / 1000 - ago),
          values: () => timeSplits(this.#span()).map((ago) => `${ago} s ago`),
        },
        {
          ...axis,
          size: 28,
          gap: 5,
          splits: () => [0, this.#topOfScale() / 2, this.#topOfScale()],
          values: (_plot, splits) => splits.map(String),
        },
      ],
      series: [
        {},
        {
          stroke: color('--accent'),
          fill: color('--accent-tint'),
          width: 1.75,
          points: { show: false },
          spanGaps: false,
        },
      ],
    }
  }
}
