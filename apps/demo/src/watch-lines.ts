import { styleText } from 'node:util'
import type { ReadResourceResult } from '@tidings/client'
import { clockTime } from './clock-time.ts'
import { formatBytes, membersOf } from './format-value.ts'

type Style = Parameters<typeof styleText>[0]

// One colour for each scheme, so that a note stands out among the values that tick.
const schemeStyles: Record<string, Style> = { note: 'green', system: 'blue', clock: 'gray', demo: 'magenta' }

/** Text in a style, where standard output is a terminal with colours (see NO_COLOR, FORCE_COLOR). */
export function styled(style: Style, text: string): string {
  return styleText(style, printable(text), { stream: process.stdout })
}

/** Text without control characters, so that no text of a server can move the cursor or set colours. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '\ufffd')
}

/** A change as one line: the time, the time since the change before, the URI, the number of changes, the value. */
export function changeLine(change: {
  at: Date
  sinceMs: number | undefined
  uri: string
  uriWidth: number
  count: number
  value: string
}): string {
  const since = change.sinceMs === undefined ? '' : `+${(change.sinceMs / 1000).toFixed(3)} s`
  const times = change.count === 0 ? 'now' : `×${change.count}`
  const plain = [
    clockTime(change.at),
    since.padStart(11),
    change.uri.padEnd(change.uriWidth),
    times.padStart(6),
  ]
  const used = plain.join('  ').length + 2
  const [at = '', ago = '', uri = '', count = ''] = plain
  const uriStyle = schemeStyles[change.uri.split(':')[0] ?? ''] ?? 'cyan'
  return [
    styled('gray', at),
    styled('gray', ago),
    styled(uriStyle, uri),
    styled('yellow', count),
    cut(change.value, used),
  ].join('  ')
}

/** A line about the connection or the list of resources. */
export function eventLine(style: Style, text: string): string {
  return `${styled('gray', clockTime(new Date()))}  ${styled(style, text)}`
}

/** The contents of a resource in a few words. */
export function summaryOf({ contents }: ReadResourceResult): string {
  return contents
    .map((part) => {
      const members = membersOf(part)
      if (members) return members.map(({ label, text }) => `${label} ${text}`.trim()).join(', ')
      return 'blob' in part ? formatBytes(Buffer.byteLength(part.blob, 'base64')) : oneLine(part.text)
    })
    .join('; ')
}

function oneLine(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  if (lines.length < 2) return lines[0]?.trim() ?? '(empty)'
  return `${lines[0]?.trim()} … ${lines.at(-1)?.trim()}`
}

/** The part that fits beside `used` columns of the terminal, or all of it where there is no terminal. */
function cut(text: string, used: number): string {
  const room = (process.stdout.columns ?? Infinity) - used
  const safe = printable(text)
  return safe.length <= room ? safe : `${safe.slice(0, Math.max(room - 1, 8))}…`
}
