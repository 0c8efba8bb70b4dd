import fc from 'fast-check'
import { UriTemplate, type Variables } from '../../src/capabilities/uri-template.ts'

// What RFC 6570 (section 2.2 and appendix A) says of each operator.
const operators: Record<
  string,
  { first: string; between: string; named?: true; ifEmpty?: string; allow?: true }
> = {
  '': { first: '', between: ',' },
  '+': { first: '', between: ',', allow: true },
  '#': { first: '#', between: ',', allow: true },
  '.': { first: '.', between: '.' },
  '/': { first: '/', between: '/' },
  ';': { first: ';', between: ';', named: true, ifEmpty: '' },
  '?': { first: '?', between: '&', named: true, ifEmpty: '=' },
  '&': { first: '&', between: '&', named: true, ifEmpty: '=' },
}

const encode = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)

/** The template as a URI, as RFC 6570, section 3.2, has it; no more than a test needs. */
function expand(template: string, variables: Variables): string {
  return template.replace(/\{([+#./;?&]?)([^{}]*)\}/g, (_whole, operator: string, list: string) => {
    const { first, between, named, ifEmpty = '', allow } = operators[operator]!
    const parts = list.split(',').flatMap((spec) => {
      const name = spec.replace('*', '')
      const value = variables[name]
      if (value === undefined || value.length === 0) return value === '' ? [`${name}${ifEmpty}`] : []
      const escaped = [value].flat().map((text) => (allow ? encodeURI(text) : encode(text)))
      const label = (text: string) => (named ? `${name}${text === '' ? ifEmpty : `=${text}`}` : text)
      return spec.endsWith('*') ? escaped.map(label) : [label(escaped.join(','))]
    })
    return parts.length === 0 ? '' : first + parts.join(between)
  })
}

const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,4}(\.[a-z]{1,2})?$/)
// Without what is refused: NUL, and dot segments, which dots at an edge could become.
const value = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 6 })
  .filter((text) => !/\0|\.\.|(^|[/\\])\.|\.([/\\]|$)/.test(text))
const literal = fc.stringMatching(/^[a-z0-9:~-]{1,5}$/)

test('any URI that a template expands to matches, and its variables expand to it again', () => {
  const operator = fc.constantFrom('', '+', '#', '.', '/', ';')
  const names = fc.array(fc.tuple(name, fc.boolean()), { minLength: 1, maxLength: 3 })
  const expression = fc.tuple(operator, names)
  const parts = fc.array(fc.oneof(literal, expression), { maxLength: 6 })
  const query = fc.option(fc.tuple(fc.constantFrom('{?', '?f=1{&'), fc.uniqueArray(name, { minLength: 1 })))
  fc.assert(
    fc.property(parts, query, fc.infiniteStream(value), (parts, query, values) => {
      const variables: Variables = {}
      const add = (name: string, explode: boolean) => {
        if (name in variables) return [] // a name stands for one value
        const text = values.next().value as string
        // A list with a separator inside would be told apart otherwise; a percent sign is its own in {+x} alone.
        variables[name] = explode ? [text.replace(/[.,;%]/g, '_'), 'x'] : text.replaceAll('%', '_')
        return [`${name}${explode ? '*' : ''}`]
      }
      let template = ''
      for (const part of parts) {
        if (typeof part === 'string') template += part
        else {
          const [operator, names] = part
          const specs = names.flatMap(([name, explode]) => add(name, explode && operator !== ';'))
          // Nothing could tell two values apart that follow each other.
          if (/^\+?$/.test(operator) && template.endsWith('}')) template += '~'
          if (specs.length > 0) template += `{${operator}${specs.join()}}`
        }
      }
      const names = query?.[1].flatMap((name) => add(name, false)) ?? []
      // In a template with a query, the first question mark begins it.
      if (names.length > 0 && !/[+#]/.test(template)) template += `${query![0]}${names.join()}}`
      const uri = expand(template, variables)
      const matched = new UriTemplate(template).match(uri)
      // What {+a} leaves as it is, {b} escapes: which of two took it cannot be told.
      expect(matched && decodeURIComponent(expand(template, matched))).toBe(decodeURIComponent(uri))
    }),
    { numRuns: 500 },
  )
})

test('where parts are told apart by what no value holds, the very values come back', () => {
  const expression = fc.tuple(fc.constantFrom('/', ''), fc.uniqueArray(name, { minLength: 1, maxLength: 3 }))
  fc.assert(
    fc.property(
      fc.array(expression, { minLength: 1, maxLength: 4 }),
      fc.uniqueArray(name),
      fc.infiniteStream(value),
      (expressions, query, values) => {
        const variables: Variables = {}
        const unused = (name: string) => {
          if (name in variables) return []
          variables[name] = values.next().value as string
          return [name]
        }
        let template = 'x:'
        for (const [operator, names] of expressions) {
          const specs = names.flatMap(unused)
          if (specs.length > 0) template += `{${operator}${specs.join()}}/-`
        }
        const specs = query.flatMap(unused)
        if (specs.length > 0) template += `{?${specs.join()}}`
        expect({ ...new UriTemplate(template).match(expand(template, variables)) }).toEqual(variables)
      },
    ),
    { numRuns: 500 },
  )
})

test('whatever the URI, a match throws nothing', () => {
  const template = new UriTemplate('a:{/x*}{y}-{z}{?q,r*}')
  const soup = fc.array(
    fc.constantFrom('a:', '/', '%', '%2', '%2e', '?', '&', 'q=', 'r', '-', '\0', '\ud800', '#'),
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        soup.map((all) => all.join('')),
      ),
      (uri) => {
        template.match(uri)
        template.match(`a:/${uri}`)
      },
    ),
  )
})
