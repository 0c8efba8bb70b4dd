/** What a topic has come to: the number of its latest change, and how often it has changed in all. */
export interface Newest {
  seq: number
  version: number
}

/** What the main process has the server do, and what that gives. */
export interface Commands {
  /** Changes topics in turn: as fast as it can, so many in one tick, or at a pace. */
  publish: {
    params: { topics: readonly string[]; times: number; perTick?: number; everyMs?: number }
    /** By topic; and when each change of a pace was published, by its number. */
    result: { newest: Record<string, Newest>; publishedAt: [seq: number, atMs: number][] }
  }
  /** What is held, after everything that can be collected is. */
  memory: { params: undefined; result: { rss: number; heap: number; peakRss: number } }
  /** What is open. */
  state: { params: undefined; result: { topics: number; sockets: number; handles: Record<string, number> } }
}

/** A command on its way to the server. */
export interface Request {
  id: number
  name: keyof Commands
  params: unknown
}

/** What the server sends: that it listens, or what a command gave. */
export type Reply = { port: number } | { id: number; result: unknown }

/** Milliseconds of a clock that all processes of this machine share. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
