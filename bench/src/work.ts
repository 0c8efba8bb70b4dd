import type { Lab } from './lab.ts'
import type { Peer } from './peers.ts'

/** What a figure has to be. */
export interface Bar {
  /** `ratio`: to the floor's figure of the same round. `value`: the figure itself. */
  of: 'ratio' | 'value'
  atLeast?: number
  atMost?: number
}

/** One of the figures that a case gives. */
export interface Metric {
  /** Of the figure. */
  key: string
  title: string
  unit: string
  bar?: Bar
  /** Shown as it is, and not as a ratio to the floor. */
  absolute?: boolean
}

/** What a case gives, by the keys of its metrics; and what all give, see {@link Lab.measure}. */
export type Figures = Record<string, number>

/** One thing that is measured of each peer. */
export interface Case {
  /** Its work, and what sets it apart from the work's other cases, such as `fan-out/http+sse/1000`. */
  name: string
  metrics: Metric[]
  /** Compares two configurations of ours, and has its place in another table. */
  isOfNodes?: boolean
  /** Why it cannot be measured of a peer; undefined when it can. */
  whyNot(peer: Peer): string | undefined
  /** What must be known of a peer's figures to judge them. */
  caveat?(figures: Figures): string | undefined
  /** Measures it once. */
  run(peer: Peer, lab: Lab): Promise<Figures>
}
