import { normalUri } from '@tidings/protocol'

/** The values of a template's variables. An exploded variable (`{/path*}`) has a list. */
export type Variables = Record<string, string | string[]>

interface Literal {
  /** In the normal form of a URI. */
  text: string
}

interface Variable {
  name: string
  /** By character code: 1 for a character that it does not take. A URI in normal form is ASCII. */
  stops: Uint8Array
  /** The text between the values of an exploded variable. */
  separator?: string
}

/** The query that a template ends with. */
interface Query {
  /** The text that it must hold: the `a=1` of `?a=1{&b}`. */
  readonly fixed: string[]
  /** Each parameter that it may hold, and whether it is exploded. */
  readonly parameters: Map<string, boolean>
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
const maxUriLength = 8192
const malformedEscape = /%(?![0-9A-Fa-f]{2})/

/**
 * A URI template (RFC 6570) read backwards: from a URI to the values of its variables. The spelling of the URI makes no
 * difference: a space is a space, encoded or not. The time it takes is proportional to the length of the URI times the number
 * of parts of the template, whatever the URI is; a URI with another beginning or end costs a comparison.
 *
 * A variable takes as much as it can, and at least one character; a plain one stops at `/`, `?`, `#` and `,`. Query
 * parameters (`{?a,b}`, `{&a}`) match in any order, among others, and may be absent; what is fixed (`?a=1{&b}`) may not.
 * Prefixes (`{a:3}`) and lists of path parameters (`{;a*}`) cannot be read backwards.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6570
 */
export class UriTemplate {
  readonly template: string
  /** The variables, in the order of the template. */
  readonly names: readonly string[]
  readonly #parts: (Literal | Variable)[] = []
  /** The end of each part, by its beginning: of the latest match, with room for the next. */
  #ends: Uint16Array[] = []
  #query: Query | undefined

  /** @throws {TypeError} when the template is malformed, cannot be read backwards, or goes on after a query. */
  constructor(template: string) {
    this.template = template
    let end = 0
    for (const match of template.matchAll(expression)) {
      this.#addLiteral(template.slice(end, match.index))
      this.#addExpression(match[1]!, match[2]!)
      end = match.index + match[0].length
    }
    this.#addLiteral(template.slice(end))
    const inPath = this.#parts.flatMap((part) => ('name' in part ? [part.name] : []))
    this.names = [...inPath, ...(this.#query?.parameters.keys() ?? [])]
  }

  /**
   * The values of the variables in the URI, percent-decoded; undefined when the URI is not of this template. A value
   * that holds a NUL or a dot segment (`..`, however it is encoded) is no match: it would be a trap for a handler that
   * makes a path of it.
   */
  match(spelled: string): Variables | undefined {
    if (spelled.length > maxUriLength || malformedEscape.test(spelled)) return undefined
    const uri = normalUri(spelled)
    if (uri.length > maxUriLength) return undefined
    const queryAt = this.#query === undefined ? -1 : uri.indexOf('?')
    const values = this.#matchPath(queryAt === -1 ? uri : uri.slice(0, queryAt))
    if (values === undefined) return undefined
    const variables = Object.create(null) as Variables
    for (const [{ name, separator }, text] of values) {
      const decoded = (separator === undefined ? [text] : text.split(separator)).map(decode)
      if (decoded.some((value) => value === undefined)) return undefined
      variables[name] = separator === undefined ? decoded[0]! : (decoded as string[])
    }
    const pairs = queryAt === -1 ? [] : uri.slice(queryAt + 1).split('&')
    return this.#matchQuery(pairs, variables) ? variables : undefined
  }

  /** Adds the values of the query's parameters to the variables. */
  #matchQuery(pairs: string[], variables: Variables): boolean {
    if (this.#query === undefined) return true
    const { fixed, parameters } = this.#query
    if (!fixed.every((pair) => pairs.includes(pair))) return false
    for (const pair of pairs) {
      const [name = ''] = pair.split('=', 1)
      const explode = parameters.get(name)
      if (explode === undefined) continue
      const value = pair.includes('#') ? undefined : decode(pair.slice(name.length + 1))
      if (value === undefined) return false
      if (explode) ((variables[name] ??= []) as string[]).push(value)
      else variables[name] = value
    }
    return true
  }

  #matchPath(path: string): [Variable, string][] | undefined {
    const parts = this.#parts
    if (!this.#hasLiterals(path)) return undefined
    // ends[i][at]: where the i-th part, beginning at `at`, must end for the rest of the template to fit; 0 is nowhere.
    const ends = this.#clearedEnds(path.length + 1)
    const lastAt = path.length - 1
    for (let i = parts.length - 1; i >= 0; i--) {
      const part = parts[i]!
      const here = ends[i]!
      const next = ends[i + 1]
      const fits = (at: number) => (next === undefined ? at === path.length : next[at] !== 0)
      if ('text' in part) {
        for (let at = path.lastIndexOf(part.text); at >= 0; at = path.lastIndexOf(part.text, at - 1)) {
          const end = at + part.text.length
          if (fits(end)) here[at] = end
          if (at === 0) break
        }
        continue
      }
      for (let at = lastAt; at >= 0; at--) {
        if (part.stops[path.charCodeAt(at)] === 1) continue
        const further = here[at + 1]!
        if (further !== 0) here[at] = further
        else if (fits(at + 1) && !isWithinEscape(path, at + 1)) here[at] = at + 1
      }
    }
    const values: [Variable, string][] = []
    let at = 0
    for (const [i, part] of parts.entries()) {
      const end = ends[i]![at]!
      if (end === 0) return undefined
      if ('name' in part) values.push([part, path.slice(at, end)])
      at = end
    }
    return at === path.length ? values : undefined
  }

  /** Whether the path begins and ends as the template does, and holds its literals in order: nearly all others do not. */
  #hasLiterals(path: string): boolean {
    const last = this.#parts.length - 1
    let from = 0
    for (const [i, part] of this.#parts.entries()) {
      if (!('text' in part)) continue
      const at = i === 0 ? (path.startsWith(part.text) ? 0 : -1) : path.indexOf(part.text, from)
      if (at === -1) return false
      from = at + part.text.length
      if (i === last && !path.endsWith(part.text)) return false
    }
    return true
  }

  // Not made anew: typed arrays are kept outside the heap, where garbage is noticed late.
  #clearedEnds(width: number): Uint16Array[] {
    if ((this.#ends[0]?.length ?? 0) < width) this.#ends = this.#parts.map(() => new Uint16Array(width))
    else for (const ends of this.#ends) ends.fill(0, 0, width)
    return this.#ends
  }

  #addLiteral(text: string): void {
    if (text === '') return
    if (/[{}]/.test(text)) throw new TypeError(`Unbalanced braces in the URI template ${this.template}`)
    if (this.#query !== undefined)
      throw new TypeError(`A query must come last in the URI template ${this.template}`)
    this.#parts.push({ text: normalUri(text) })
  }

  #addExpression(operator: string, list: string): void {
    const variables = list.split(',').map((spec) => {
      const match = variableSpec.exec(spec)
      if (match !== null) return { name: match[1]!, explode: match[2] === '*' }
      throw this.#unreadable(operator, list)
    })
    if (operator === '?' || operator === '&') {
      this.#query ??= { fixed: operator === '&' ? this.#takeFixedQuery() : [], parameters: new Map() }
      for (const { name, explode } of variables) this.#query.parameters.set(name, explode)
      return
    }
    const { first, between, named, reserved } = operators[operator]!
    if (named && variables.some(({ explode }) => explode)) throw this.#unreadable(operator, list)
    const stops = reserved ? '' : '/?#,' + (named ? between : '')
    for (const [index, { name, explode }] of variables.entries()) {
      this.#addLiteral((index === 0 ? first : between) + (named ? `${name}=` : ''))
      if (explode)
        this.#parts.push({ name, stops: charactersOf(stops.replace(between, '')), separator: between })
      else this.#parts.push({ name, stops: charactersOf(stops) })
    }
  }

  #unreadable(operator: string, list: string): TypeError {
    return new TypeError(`Cannot match {${operator}${list}} in the URI template ${this.template}`)
  }

  /** The start of a query in a literal at the end of the path. */
  #takeFixedQuery(): string[] {
    const last = this.#parts.pop()
    const [path, query] = last !== undefined && 'text' in last ? last.text.split(/\?(.*)/s) : []
    if (query === undefined)
      throw new TypeError(`There is no query for {&...} to go on with in the URI template ${this.template}`)
    this.#addLiteral(path!)
    return query === '' ? [] : query.split('&')
  }
}

function charactersOf(text: string): Uint8Array {
  const table = new Uint8Array(128)
  for (const character of text) table[character.charCodeAt(0)] = 1
  return table
}

/** True between the percent sign of an escape sequence (`%2F`) and its last digit. */
function isWithinEscape(text: string, at: number): boolean {
  return text[at - 1] === '%' || text[at - 2] === '%'
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
