import type { ReadResourceResult } from '@tidings/client'
import { formatBytes, membersOf, type Member } from '../format-value.ts'
import { element } from './element.ts'
import { renderMarkdown } from './markdown.ts'

type Contents = ReadResourceResult['contents'][number]

const day = new Intl.DateTimeFormat('en', { dateStyle: 'full', timeZone: 'UTC' })
const shortLine = 60

/** What a resource holds, as a person reads it: a single value is as large as its card allows. */
export function showContents(part: Contents): Node[] {
  const members = membersOf(part)
  if (members) return showMembers(members)
  if ('blob' in part) return [element('p', {}, formatBytes((part.blob.length * 3) / 4))]
  if (part.mimeType === 'text/markdown') return [scrolling('markdown', ...renderMarkdown(part.text))]
  if (/^\d{4}-\d\d-\d\dT[\d:]+Z$/.test(part.text)) return showTime(part.text)
  if (part.mimeType === 'text/plain' && part.text.length < shortLine && !part.text.includes('\n'))
    return [big(part.text)]
  return [scrolling('plain', element('pre', {}, part.text || '(empty)'))]
}

function showMembers([first, ...others]: Member[]): Node[] {
  if (!first) return [element('p', {}, '(empty)')]
  if (first.label === '') return [big(first.text)]
  const member = ({ label, text }: Member) =>
    element('div', {}, element('dt', {}, label), element('dd', {}, text))
  return [element('dl', {}, member(first), ...others.map(member))]
}

function showTime(iso: string): Node[] {
  const time = element('time', { class: 'big', datetime: iso }, iso.slice(11, 19))
  fit(time)
  return [time, element('p', { class: 'caption' }, `${day.format(new Date(iso))}, UTC`)]
}

function big(text: string): HTMLElement {
  const shown = element('p', { class: 'big' }, text)
  fit(shown)
  return shown
}

/** Tells the style sheet how many digits have to fit on the line; a comma or a colon is half as wide as a digit. */
function fit(line: HTMLElement): void {
  const digits = [...line.textContent].reduce(
    (sum, character) => sum + (/[,.:\s]/.test(character) ? 0.5 : 1),
    0,
  )
  line.style.setProperty('--digits', String(digits))
}

/** A part that scrolls when it is long, also with the keyboard. */
function scrolling(name: string, ...children: Node[]): HTMLElement {
  return element(
    'div',
    { class: `text ${name}`, tabindex: 0, role: 'group', 'aria-label': 'Text' },
    ...children,
  )
}
