import type { ChangeSnapshot } from './backplane.ts'

/** What a worker asks of the primary, with the arguments in the order of the method of the same name. */
export type CallName = 'follow' | 'join' | 'leave' | 'send' | 'claim' | 'adopt' | 'save' | 'handOver'

/** A step of a worker. */
export type ToPrimary =
  | readonly ['publish', topics: readonly string[]]
  | readonly ['call', id: number, name: CallName, args: readonly (string | number | null)[]]
  | readonly ['unfollow', follower: number]
  | readonly ['retire', node: string]
  | readonly ['release', session: string, node: string]
  | readonly ['renew', sentAtMs: number]

/** A step of the primary. Mail is in base64, as each way of serialization takes strings. */
export type ToWorker =
  | readonly ['resync', follower: number, snapshot: ChangeSnapshot]
  | readonly ['changed', follower: number, topic: string, seq: number]
  | readonly ['mail', to: string, from: string, mail: string]
  | readonly ['gone', member: string, node: string]
  | readonly ['nodes', names: readonly string[]]
  | readonly ['answer', id: number, value: unknown]
  | readonly ['failed', id: number, message: string]
  | readonly ['renewed', sentAtMs: number, leaseMs: number]
  | readonly ['displaced', generation: number, leaseMs: number]

/** The steps of one turn of the event loop travel as one message. */
export interface Envelope<Step> {
  readonly '@tidings/server': readonly Step[]
}

export function envelopeOf<Step>(steps: readonly Step[]): Envelope<Step> {
  return { '@tidings/server': steps }
}

/** The steps in a message; undefined for one of the application. */
export function stepsIn<Step>(message: unknown): readonly Step[] | undefined {
  return (message as Partial<Envelope<Step>> | null)?.['@tidings/server']
}
