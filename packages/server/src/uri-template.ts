/** What the variables of a template stand for in a URI; a list where the variable is exploded (`{/path*}`). */
export type Variables = Record<string, string | string[]>

interface Literal {
  text: string
}

interface Variable {
  name: string
  /** May hold characters that delimit the parts of a URI. */
  reserved: boolean
  /** What stands between the values of an exploded variable. */
  separator?: string
}

// RFC 6570, appendix A: what an operator puts before its first variable, and between two.
const operators: Record<string, { first: string; between: string; named?: boolean; reserved?: boolean }> = {
  '': { first: '', between: ',' },
  '+': { first: '', between: ',', reserved: true },
  '#': { first: '#', between: ',', reserved: true },
  '.': { first: '.', between: '.' },
  '/': { first: '/', between: '/' },
  ';': { first: ';', between: ';', named: true },
}

const expression = /\{([+#./;?&]?)([^{}]*)\}/g
const variableSpec = /^([A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*)(\*?)$/
const delimiters = '/?#,'
const maxUriLength = 8192

/**
 * A URI template (RFC 6570) read backwards: from a URI to the values of its variables. The time it takes is
 * proportional to the length of the URI times the number of parts of the template, whatever the URI is.
 *
 * A variable takes as much as it can, and at least one character; a plain one stops at `/`, `?`, `#` and `,`. Query
 * parameters (`{?a,b}`, `{&a}`) match in any order and may be absent. Prefixes (`{a:3}`) cannot be read backwards.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6570
 */
export class UriTemplate {
  readonly template: string
  /** The variables, in the order of the template. */
  readonly names: readonly string[]
  readonly #parts: (Literal | Variable)[] = []
  readonly #query: string[] = []

  /** @throws {TypeError} when the template is malformed, has a prefix, or goes on after a query. */
  constructor(template: string) {
    this.template = template
    let end = 0
    for (const match of template.matchAll(expression)) {
      this.#addLiteral(template.slice(end, match.index))
      this.#addExpression(match[1]!, match[2]!)
      end = match.index + match[0].length
    }
    this.#addLiteral(template.slice(end))
    this.names = [...this.#parts.flatMap((part) => ('name' in part ? [part.name] : [])), ...this.#query]
  }

  /**
   * The values of the variables in the URI, percent-decoded; undefined when the URI is not of this template. A value
   * that holds a NUL or a dot segment (`..`, however it is encoded) is no match: it would be a trap for a handler that
   * makes a path of it.
   */
  match(uri: string): Variables | undefined {
    if (uri.length > maxUriLength) return undefined
    const queryAt = this.#query.length === 0 ? -1 : uri.indexOf('?')
    const values = this.#matchPath(queryAt === -1 ? uri : uri.slice(0, queryAt))
    if (values === undefined) return undefined
    const variables = Object.create(null) as Variables
    for (const [{ name, separator }, text] of values) {
      const decoded = (separator === undefined ? [text] : text.split(separator)).map(decode)
      if (decoded.some((value) => value === undefined)) return undefined
      variables[name] = separator === undefined ? decoded[0]! : (decoded as string[])
    }
    if (queryAt === -1) return variables
    for (const [name, value] of new URLSearchParams(uri.slice(queryAt))) {
      if (!this.#query.includes(name)) continue
      if (isTrap(value)) return undefined
      variables[name] = value
    }
    return variables
  }

  #matchPath(path: string): [Variable, string][] | undefined {
    // ends[i][at]: where the i-th part, beginning at `at`, must end for the rest of the template to fit; 0 is nowhere.
    const width = path.length + 1
    const ends = this.#parts.map(() => new Uint16Array(width))
    const fits = (i: number, at: number) => (i === ends.length ? at === path.length : ends[i]![at] !== 0)
    for (let i = ends.length - 1; i >= 0; i--) {
      const part = this.#parts[i]!
      for (let at = path.length - 1; at >= 0; at--) {
        if ('text' in part) {
          const end = at + part.text.length
          if (path.startsWith(part.text, at) && fits(i + 1, end)) ends[i]![at] = end
        } else if (takes(part, path[at]!)) {
          ends[i]![at] = ends[i]![at + 1]! || (fits(i + 1, at + 1) ? at + 1 : 0)
        }
      }
    }
    const values: [Variable, string][] = []
    let at = 0
    for (const [i, part] of this.#parts.entries()) {
      const end = ends[i]![at]!
      if (end === 0) return undefined
      if ('name' in part) values.push([part, path.slice(at, end)])
      at = end
    }
    return at === path.length ? values : undefined
  }

  #addLiteral(text: string): void {
    if (text === '') return
    if (/[{}]/.test(text)) throw new TypeError(`Unbalanced braces in the URI template ${this.template}`)
    if (this.#query.length > 0)
      throw new TypeError(`A query must come last in the URI template ${this.template}`)
    this.#parts.push({ text })
  }

  #addExpression(operator: string, list: string): void {
    const variables = list.split(',').map((spec) => {
      const match = variableSpec.exec(spec)
      if (match !== null) return { name: match[1]!, explode: match[2] === '*' }
      throw new TypeError(`Cannot match {${operator}${list}} in the URI template ${this.template}`)
    })
    if (operator === '?' || operator === '&') {
      this.#query.push(...variables.map(({ name }) => name))
      return
    }
    const { first, between, named, reserved = false } = operators[operator]!
    for (const [index, { name, explode }] of variables.entries()) {
      this.#addLiteral((index === 0 ? first : between) + (named ? `${name}=` : ''))
      this.#parts.push({ name, reserved, ...(explode && { separator: between }) })
    }
  }
}

function takes({ reserved, separator }: Variable, character: string): boolean {
  return reserved || character === separator || !delimiters.includes(character)
}

function decode(text: string): string | undefined {
  try {
    const value = decodeURIComponent(text)
    return isTrap(value) ? undefined : value
  } catch {
    return undefined // a malformed escape sequence: not a URI
  }
}

function isTrap(value: string): boolean {
  return value.includes('\0') || value.split(/[/\\]/).some((segment) => segment === '..' || segment === '.')
}
