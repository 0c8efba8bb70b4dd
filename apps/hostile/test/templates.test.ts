import fc from 'fast-check'
import { McpServer } from '@tidings/server'
import { forInputs, inputsOf } from './runs.ts'

const name = fc.constantFrom('a', 'b', 'a.b', 'c_1', '__proto__', 'constructor', 'length')
const operator = fc.constantFrom('', '+', '#', '.', '/', ';', '?', '&')
const variables = fc.array(
  fc.tuple(name, fc.constantFrom('', '*', ':3')).map((parts) => parts.join('')),
  { maxLength: 3 },
)
const expression = fc.tuple(operator, variables).map(([operator, names]) => `{${operator}${names.join(',')}}`)
const literal = fc.oneof(
  fc.constantFrom('a', 'a:', '/', '//', '?x=1', '#', '%2F', '{', '}', 'é', ' '),
  fc.string({ maxLength: 5 }),
)
const template = fc.array(fc.oneof(expression, literal), { maxLength: 8 }).map((parts) => parts.join(''))
const uri = fc.oneof(
  fc
    .array(fc.oneof(literal, fc.constantFrom('%00', '%2e%2e', '..', '%', '%ff', '%c3%a9', '\ud800')), {
      maxLength: 20,
    })
    .map((parts) => parts.join('')),
  fc.tuple(literal, fc.nat(9_000)).map(([part, times]) => part.repeat(times).slice(0, 20_000)),
)
const templates = inputsOf(0.2)

test(
  `${templates.inputs} templates and URIs fit, or do not, and never fail otherwise`,
  async () => {
    await forInputs(templates.inputs, fc.tuple(template, uri), ([template, uri]) => {
      const server = new McpServer({ name: 'hostile', version: '0' })
      try {
        server.template(`x:${template}`, {}, () => '').changed(`x:${uri}`)
      } catch (error) {
        if (!(error instanceof TypeError) || !/URI template|is not of the template/.test(error.message))
          throw error
      }
    })
    expect(Object.keys(Object.prototype)).toEqual([])
  },
  templates.timeoutMs,
)
