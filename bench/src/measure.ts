import { setTimeout as after } from 'node:timers/promises'
import { Lab, type LabOptions } from './lab.ts'
import { median } from './statistics.ts'
import { type Peer, roundsOf } from './peers.ts'
import type { Case, Figures, Metric } from './work.ts'

export interface MeasureOptions {
  rounds: number
  peers: readonly Peer[]
  scale: number
  /** Where the profile of a run is written; undefined for none. */
  profileOf?: (aCase: Case, peer: Peer, round: number) => string | undefined
  /** Told of each run. */
  onRun?: (aCase: Case, peer: Peer, round: number, figures: Figures | Error) => void
}

/** What was measured of a case: the figures of each peer, round by round, or why there are none. */
export interface Outcome {
  case: Case
  rounds: Map<Peer, (Figures | undefined)[]>
  whyNot: Map<Peer, string>
}

/** Measures a case: round by round, and in each the peers one after the other, as long as it is their turn. */
export async function measure(aCase: Case, options: MeasureOptions): Promise<Outcome> {
  const outcome: Outcome = { case: aCase, rounds: new Map(), whyNot: new Map() }
  const able: Peer[] = []
  for (const peer of options.peers) {
    const reason = aCase.whyNot(peer)
    if (reason === undefined) able.push(peer)
    else outcome.whyNot.set(peer, reason)
  }
  for (let round = 0; round < options.rounds; round++) {
    for (const peer of able) {
      if (round >= roundsOf(peer, options.rounds)) continue
      const figures = await runOnce(aCase, peer, {
        scale: options.scale,
        profile: options.profileOf?.(aCase, peer, round),
      })
      options.onRun?.(aCase, peer, round, figures)
      const failed = figures instanceof Error
      if (failed) outcome.whyNot.set(peer, `failed: ${figures.message.split('\n', 1)[0]}`)
      outcome.rounds.set(peer, [...(outcome.rounds.get(peer) ?? []), failed ? undefined : figures])
    }
  }
  return outcome
}

/** Something that never arrives would be waited for for ever. */
const timeLimitMs = 300_000

async function runOnce(aCase: Case, peer: Peer, options: LabOptions): Promise<Figures | Error> {
  const lab = new Lab(options)
  const timeUp = new AbortController()
  try {
    const tooLong = after(timeLimitMs, undefined, { signal: timeUp.signal }).then(() => {
      throw new Error(`It took longer than ${timeLimitMs / 1000} s`)
    })
    return await Promise.race([aCase.run(peer, lab), tooLong])
  } catch (error) {
    return error as Error
  } finally {
    timeUp.abort()
    await lab.close()
  }
}

/** A peer's median figure; undefined when a round gave none. */
export function valueOf(outcome: Outcome, { key }: Pick<Metric, 'key'>, peer: Peer): number | undefined {
  const figures = outcome.rounds.get(peer)
  if (figures === undefined || figures.includes(undefined)) return undefined
  return median(figures.map((each) => each![key]!))
}

/** The median of a peer's figures, each divided by the floor's of the same round. */
export function ratioOf(outcome: Outcome, { key }: Metric, peer: Peer): number | undefined {
  const figures = outcome.rounds.get(peer)
  const floor = outcome.rounds.get('floor')
  if (!figures || !floor || figures.includes(undefined) || floor.includes(undefined)) return undefined
  return median(figures.map((each, round) => each![key]! / floor[round]![key]!))
}

/** Whether our figure is as good as its bar says; undefined when there is none. */
export function meets(outcome: Outcome, metric: Metric): boolean | undefined {
  const { bar } = metric
  const figure = bar && (bar.of === 'ratio' ? ratioOf : valueOf)(outcome, metric, 'tidings')
  if (bar === undefined || figure === undefined) return undefined
  return figure >= (bar.atLeast ?? -Infinity) && figure <= (bar.atMost ?? Infinity)
}
