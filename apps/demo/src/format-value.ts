import type { ReadResourceResult } from '@tidings/client'

const decimals = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 })
const numbers = new Intl.NumberFormat()

// What the members of the demo's resources are called. Another name is split into its words.
const labels: Record<string, string> = {
  busyPercent: 'busy',
  usedPercent: 'in use',
  freeBytes: 'free',
  totalBytes: 'of',
  '1 min': 'over 1 min',
}

/** One member of a JSON object as a person reads it: `{ freeBytes: 3221225472 }` is "free" and "3 GiB". */
export interface Member {
  label: string
  text: string
}

/**
 * The members of a resource that is JSON, as a person reads them; a value that is no object is one member without a
 * label. Undefined when it is not JSON.
 */
export function membersOf(part: ReadResourceResult['contents'][number]): Member[] | undefined {
  if (part.mimeType !== 'application/json' || !('text' in part)) return undefined
  let value: unknown
  try {
    value = JSON.parse(part.text)
  } catch {
    return undefined // text, whatever its type says
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [{ label: '', text: formatMember('', value) }]
  }
  return Object.entries(value).map(([key, member]) => ({
    label: labels[key] ?? wordsOf(key),
    text: formatMember(key, member),
  }))
}

/** A member's value with the unit that its name ends in: Percent, Bytes or Ms. */
export function formatMember(key: string, value: unknown): string {
  if (typeof value !== 'number') return typeof value === 'string' ? value : JSON.stringify(value)
  if (key.endsWith('Bytes')) return formatBytes(value)
  if (key.endsWith('Percent')) return `${value.toFixed(1)} %`
  if (key.endsWith('Ms')) return `${decimals.format(value)} ms`
  return numbers.format(value)
}

/** The words of a property's name, without its unit: "changes per second" for `changesPerSecond`. */
export function wordsOf(key: string): string {
  return key
    .replace(/(Percent|Bytes|Ms)$/, '')
    .replace(/[_-]+/g, ' ')
    .replace(/([a-z\d])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`)
}

/** A number of bytes in the unit that suits it. */
export function formatBytes(count: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(Math.floor(Math.log2(Math.max(count, 1)) / 10), units.length - 1)
  return `${decimals.format(count / 1024 ** power)} ${units[power]}`
}
