import { type Profiler, Session } from 'node:inspector'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

/** A function of a package's sources that has run, such as `server/http/entrance.ts:120 receive`. */
export type Ran = string

type Post = (method: string, parameters?: object) => Promise<unknown>

/** V8's precise coverage of the packages' sources in this process: each function counts, inlined or not. */
export class Coverage {
  readonly #post: Post
  readonly #packages: string
  #ran = new Set<Ran>()

  private constructor(checkout: string) {
    const session = new Session()
    session.connect()
    this.#post = promisify(session.post.bind(session)) as Post
    this.#packages = `${pathToFileURL(checkout).href}/packages/`
  }

  /** @param checkout the folder of the repository whose `packages` are looked at. */
  static async start(checkout: string): Promise<Coverage> {
    const coverage = new Coverage(checkout)
    await coverage.#post('Profiler.enable')
    await coverage.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
    return coverage
  }

  /** Forgets what has run so far. */
  async reset(): Promise<void> {
    await this.#take()
    this.#ran = new Set()
  }

  /** Gives all that has run since {@link reset}. */
  async look(): Promise<Ran[]> {
    for (const one of await this.#take()) this.#ran.add(one)
    return [...this.#ran]
  }

  async #take(): Promise<Ran[]> {
    const { result } = (await this.#post(
      'Profiler.takePreciseCoverage',
    )) as Profiler.TakePreciseCoverageReturnType
    return result
      .filter(({ url }) => url.startsWith(this.#packages))
      .flatMap(({ url, functions }) => {
        const file = url.slice(this.#packages.length).replace('/src/', '/')
        return functions
          .filter(({ ranges: [whole] }) => whole !== undefined && whole.count > 0)
          .map(({ functionName, ranges }) => `${file}:${ranges[0]!.startOffset} ${functionName}`)
      })
  }
}
