import type { ReadResourceResult } from '@tidings/client'

const bytes = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 })
const numbers = new Intl.NumberFormat()

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
    return undefined // whatever it says it is, it is text
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [memberOf('', value)]
  return Object.entries(value).map(([key, member]) => memberOf(key, member))
}

function memberOf(key: string, value: unknown): Member {
  if (typeof value !== 'number') {
    return { label: key, text: typeof value === 'string' ? value : JSON.stringify(value) }
  }
  if (key.endsWith('Bytes')) return { label: key.slice(0, -'Bytes'.length), text: formatBytes(value) }
  if (key.endsWith('Percent'))
    return { label: key.slice(0, -'Percent'.length), text: `${value.toFixed(1)} %` }
  return { label: key, text: numbers.format(value) }
}

/** A number of bytes in the unit that suits it. */
export function formatBytes(count: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(Math.floor(Math.log2(Math.max(count, 1)) / 10), units.length - 1)
  return `${bytes.format(count / 1024 ** power)} ${units[power]}`
}
