import { Audience, type AudienceOptions } from './audience.ts'
import { ServerProcess, type StressServerOptions } from './server-process.ts'

/** What a scenario tells of its run, by name: counts, times, sizes. */
export type Figures = Record<string, string | number>

/** Something that can go wrong under load, and how it is seen that it does not. */
export interface Scenario {
  /** What it is started by. */
  name: string
  /** What it checks, in a sentence. */
  checks: string
  /** Throws when something is not as it must be. */
  run(stage: Stage): Promise<Figures>
}

/** What a scenario has: how much load there is to be, and servers. */
export class Stage {
  readonly #short: boolean
  readonly #own: ServerProcess[] = []
  readonly #audiences: Audience[] = []
  #server: ServerProcess | undefined

  constructor({ short }: { short: boolean }) {
    this.#short = short
  }

  /** The one number or the other: of a full run, or of a short one. */
  size(full: number, short: number): number {
    return this.#short ? short : full
  }

  /** The server that lives through all scenarios. */
  async server(): Promise<ServerProcess> {
    return (this.#server ??= await ServerProcess.start({
      resumeWithinMs: 3_000,
      idleTimeoutMs: 3_000,
      writeTimeoutMs: 2_000,
      keepAliveMs: 1_000,
    }))
  }

  /** A server of the scenario's own, ended with it. */
  async ownServer(
    options: StressServerOptions = {},
    process: { heapMiB?: number } = {},
  ): Promise<ServerProcess> {
    const server = await ServerProcess.start(options, process)
    this.#own.push(server)
    return server
  }

  /** Readers, complete and ready. Who has not left by the end of the scenario goes then. */
  async audience(options: AudienceOptions): Promise<Audience> {
    const audience = new Audience(options)
    this.#audiences.push(audience)
    await audience.gather()
    return audience
  }

  /** Ends the servers and the readers of a scenario. */
  async endOwn(): Promise<void> {
    for (const audience of this.#audiences.splice(0)) await audience.leave({ withoutAWord: true })
    await Promise.all(this.#own.splice(0).map((server) => server.kill('SIGKILL')))
  }

  /** Ends all. Returns how the server that lived through all has exited. */
  async end(): Promise<string> {
    await this.endOwn()
    return this.#server === undefined ? '0' : this.#server.kill('SIGTERM')
  }
}

/** Bytes, as mebibytes with one digit. */
export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`
}

/** The figures of a server's memory before and after, and at its peak. */
export function memoryFigures(
  before: { rss: number; heap: number },
  after: { rss: number; heap: number; peakRss: number },
): Figures {
  return {
    'RSS before, after, peak': [before.rss, after.rss, after.peakRss].map(mebibytes).join(', '),
    'heap before, after': [before.heap, after.heap].map(mebibytes).join(', '),
  }
}
