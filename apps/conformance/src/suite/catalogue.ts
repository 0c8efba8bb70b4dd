import { runSuite } from './cli.ts'

/** The scenarios for one side: name -> the revisions (or `extension`) it belongs to. */
export type Scenarios = Map<string, readonly string[]>

/** What the suite can run. */
export interface Catalogue {
  /** Scenarios for a server. */
  server: Scenarios
  /** Scenarios for a client. */
  client: Scenarios
}

/** Asks the suite for its list. */
export async function readCatalogue(): Promise<Catalogue> {
  const { output } = await runSuite(['list'], 30_000)
  return parseCatalogue(output)
}

/**
 * Reads the text of the suite's list: a headline for each side, and under it lines like `  - ping [2025-06-18,2025-11-25]`.
 *
 * @throws {Error} a side has no scenario: what was read is no such list.
 */
export function parseCatalogue(text: string): Catalogue {
  const catalogue: Catalogue = { server: new Map(), client: new Map() }
  let side: Scenarios | undefined
  for (const line of text.split('\n')) {
    const [, headline] = /^(\w+).* scenarios /.exec(line) ?? []
    if (headline) side = { Server: catalogue.server, Client: catalogue.client }[headline]
    const [, name, tags] = /^ +- (\S+) \[(.+)\]$/.exec(line) ?? []
    if (name && tags) side?.set(name, tags.split(','))
  }
  if (catalogue.server.size && catalogue.client.size) return catalogue
  throw new Error(`The suite lists no scenarios, but says:\n${text.slice(-2000)}`)
}

/** The revisions that any of the scenarios belongs to, in order. */
export function revisionsOf(scenarios: Scenarios): string[] {
  return [...new Set([...scenarios.values()].flat())].filter((tag) => /^\d/.test(tag)).sort()
}
