const letterI = 105
const letterD = 100

/**
 * The text of an event stream, as eventsource-parser takes it without loss:
 *
 * - Every line ends with `\n`. The parser cannot tell whether a `\r` at the end of what has arrived will become `\r\n`,
 *   and would hold an event of a server that ends lines with `\r` until the next one comes.
 * - An `id:` without data gets empty data. It sets the last event id by the specification; the parser would lose it.
 */
export class EventLines {
  #afterCr = false
  /** The first characters of the line that has begun. */
  #head = ''
  #hasId = false
  #hasData = false

  take(text: string): string {
    return this.#completeIds(this.#endLines(text))
  }

  #endLines(text: string): string {
    if (text === '') return text
    const rest = this.#afterCr && text.startsWith('\n') ? text.slice(1) : text
    this.#afterCr = text.endsWith('\r')
    return rest.includes('\r') ? rest.replace(/\r\n?/g, '\n') : rest
  }

  #completeIds(text: string): string {
    let completed = ''
    let copied = 0
    let start = 0
    for (let end: number; (end = text.indexOf('\n', start)) !== -1; start = end + 1) {
      if (this.#head !== '') {
        this.#look(this.#head + text.slice(start, Math.min(end, start + 5)), 0, Infinity)
        this.#head = ''
        continue
      }
      if (end > start) {
        this.#look(text, start, end)
        continue
      }
      if (this.#hasId && !this.#hasData) {
        completed += `${text.slice(copied, end)}data\n`
        copied = end
      }
      this.#hasId = this.#hasData = false
    }
    this.#head = (this.#head + text.slice(start, start + 5)).slice(0, 5)
    return completed === '' ? text : completed + text.slice(copied)
  }

  /** Looks at the start of a line. */
  #look(text: string, start: number, end: number): void {
    const first = text.charCodeAt(start)
    if (first === letterI) this.#hasId ||= isField('id', text, start, end)
    else if (first === letterD) this.#hasData ||= isField('data', text, start, end)
  }
}

function isField(name: string, text: string, start: number, end: number): boolean {
  const after = start + name.length
  return text.startsWith(name, start) && (after >= Math.min(end, text.length) || text[after] === ':')
}
