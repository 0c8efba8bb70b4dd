import { Lexer, type MarkedToken, type Token, type Tokens } from 'marked'
import { decodeEntities } from './entities.ts'
import { element } from './element.ts'

// A longer text is shown as it is: nobody reads it on a card, and parsing it would hold up the page.
const longestParsed = 50_000
// The card has the page's third level of headings.
const headings = ['h4', 'h5', 'h6'] as const

/**
 * Makes nodes of the page from Markdown. Anyone may have written the text, so none of it is ever parsed as HTML:
 * marked only splits it into tokens, and every token becomes an element that is made here. HTML in the text is
 * shown as text, an image as its description, and a link works only to the web or to a mail address.
 */
export function renderMarkdown(text: string): Node[] {
  const asWritten = () => [element('pre', {}, text)]
  if (text.length > longestParsed) return asWritten()
  try {
    return nodesOf(Lexer.lex(text))
  } catch {
    return asWritten() // nested deeper than the stack
  }
}

function nodesOf(tokens: Token[]): Node[] {
  return tokens.flatMap((token) => nodeOf(token as MarkedToken) ?? [])
}

function nodeOf(token: MarkedToken): Node | undefined {
  switch (token.type) {
    case 'space':
    case 'def':
      return undefined
    case 'heading':
      return element(headings[token.depth - 1] ?? 'h6', {}, ...nodesOf(token.tokens))
    case 'paragraph':
      return element('p', {}, ...nodesOf(token.tokens))
    case 'blockquote':
      return element('blockquote', {}, ...nodesOf(token.tokens))
    case 'list':
      return list(token)
    case 'list_item':
      return element('li', {}, ...nodesOf(token.tokens))
    case 'checkbox':
      return element('input', {
        type: 'checkbox',
        disabled: true,
        checked: token.checked,
        'aria-label': 'Done',
      })
    case 'table':
      return table(token)
    case 'code':
      return element('pre', {}, element('code', {}, token.text))
    case 'codespan':
      return element('code', {}, token.text)
    case 'hr':
      return element('hr')
    case 'br':
      return element('br')
    case 'strong':
    case 'em':
    case 'del':
      return element(token.type, {}, ...nodesOf(token.tokens))
    case 'link':
      return link(token)
    case 'image':
      return document.createTextNode(`[image: ${token.text}]`)
    case 'html':
      return token.block ? element('p', {}, token.raw) : document.createTextNode(token.raw)
    case 'escape':
      return document.createTextNode(token.text)
    case 'text': {
      if (!token.tokens) return document.createTextNode(decodeEntities(token.text))
      const part = document.createDocumentFragment()
      part.append(...nodesOf(token.tokens))
      return part
    }
  }
}

function list({ ordered, start, items }: Tokens.List): HTMLElement {
  const shown = nodesOf(items)
  return ordered
    ? element('ol', { start: start === '' ? undefined : start }, ...shown)
    : element('ul', {}, ...shown)
}

function table({ header, rows }: Tokens.Table): HTMLElement {
  const heads = header.map((cell) => element('th', { scope: 'col' }, ...nodesOf(cell.tokens)))
  const lines = rows.map((cells) =>
    element('tr', {}, ...cells.map((cell) => element('td', {}, ...nodesOf(cell.tokens)))),
  )
  return element(
    'table',
    {},
    element('thead', {}, element('tr', {}, ...heads)),
    element('tbody', {}, ...lines),
  )
}

function link({ href, tokens }: Tokens.Link): HTMLElement {
  const isSafe = URL.canParse(href) && ['http:', 'https:', 'mailto:'].includes(new URL(href).protocol)
  const attributes = isSafe ? { href, target: '_blank', rel: 'noopener noreferrer' } : { title: href }
  return element(isSafe ? 'a' : 'span', attributes, ...nodesOf(tokens))
}
