import type { TransportName } from './wire.ts'

/** Who is measured. The floor is what the others are measured by. */
export const peers = ['floor', 'tidings', 'official-1', 'official-2', 'fastmcp'] as const
export type Peer = (typeof peers)[number]

/** What each is called in a table. */
export const titles: Record<Peer, string> = {
  floor: 'floor',
  tidings: 'Tidings',
  'official-1': 'SDK 1.x',
  'official-2': 'SDK 2.x',
  fastmcp: 'fastmcp',
}

/** The bars hang on the floor and Tidings; of the others it is enough to know roughly, and they are slow. */
const roundsOfOthers = 2

/** In how many of the rounds a peer is measured. */
export const roundsOf = (peer: Peer, rounds: number): number =>
  peer === 'floor' || peer === 'tidings' ? rounds : Math.min(rounds, roundsOfOthers)

const noPairing = 'has no such transport'
const noModernEra = 'does not speak revision 2026-07-28'

const closedTransports: Record<Peer, Partial<Record<TransportName, string>>> = {
  floor: {},
  tidings: {},
  'official-1': { paired: noPairing, stateless: noModernEra },
  'official-2': { 'http+sse': 'has no HTTP+SSE server any more', paired: noPairing },
  fastmcp: { paired: noPairing, stateless: noModernEra },
}

/** Why a peer's server cannot be reached by a transport; undefined when it can. */
export const whyServerCannot = (peer: Peer, transport: TransportName): string | undefined =>
  closedTransports[peer][transport]

/** Why a peer's client cannot come in by a transport; undefined when it can. */
export function whyClientCannot(peer: Peer, transport: TransportName): string | undefined {
  if (peer === 'fastmcp') return 'has no client'
  return peer === 'official-2' && transport === 'http+sse' ? undefined : closedTransports[peer][transport]
}
