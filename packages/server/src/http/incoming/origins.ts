/** Origins whose pages may use a server, besides those of its own hosts. */
export class Origins {
  readonly #exact: ReadonlySet<string>
  readonly #wildcards: readonly { start: string; end: string }[]

  /**
   * @param list origins, in the form in which browsers send them. A host that is `*`, or begins with `*.`, stands for all; the
   *   entry `*` for every page, `null` for pages that have no origin of their own.
   * @throws {TypeError} when an entry could never match.
   */
  constructor(list: readonly string[]) {
    for (const entry of list) requireOrigin(entry)
    this.#exact = new Set(list)
    this.#wildcards = list
      .filter((entry) => entry.includes('://*'))
      .map((entry) => {
        const [start, end] = entry.split('*') as [string, string]
        return { start, end }
      })
  }

  allows(origin: string): boolean {
    if (this.#exact.has(origin) || this.#exact.has('*')) return true
    return (
      isOrigin(origin) &&
      this.#wildcards.some(({ start, end }) => origin.startsWith(start) && origin.endsWith(end))
    )
  }
}

function isOrigin(text: string): boolean {
  return /^[a-z][a-z\d+.-]*:\/\/[^\s/,@\\?#*]*$/.test(text)
}

function requireOrigin(entry: string): void {
  if (entry === '*' || entry === 'null') return
  // A wildcard stands where a name would.
  const origin = entry.replace(/:\/\/\*(?=$|[.:])/, '://x')
  const isHttp = /^https?:/i.test(origin)
  if (isOrigin(origin) && (!isHttp || (URL.canParse(origin) && new URL(origin).origin === origin))) return
  throw new TypeError(
    'allowedOrigins: an origin is a scheme, a host, and a port unless it is the default one, such as ' +
      'https://app.example.com, https://*.example.com or chrome-extension://ID; null stands for pages without an ' +
      `origin, * for every page; got ${entry}`,
  )
}
