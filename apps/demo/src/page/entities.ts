// The ones that people write by hand. Another one is shown as it is written.
const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' }

/** Text in which `&amp;` and `&#233;` are the characters that they stand for. The result is text, never markup. */
export function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|([a-z]{2,4}));/g, (written, number?: string, name?: string) => {
    if (name !== undefined) return named[name] ?? written
    const code = Number(number)
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : written
  })
}
