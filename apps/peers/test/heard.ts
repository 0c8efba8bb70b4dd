/** What was heard, which may be waited for. */
export class Heard {
  #texts: string[] = []
  #look = () => {}

  readonly add = (text: string): void => {
    this.#texts.push(text)
    this.#look()
  }

  /**
   * Resolves when a text with this in it was heard, be it before. The next time, only those that came after it count.
   *
   * @throws when none was heard within the time.
   */
  async until(part: string, ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`Not heard within ${ms} ms: ${part}`)), ms)
      this.#look = () => {
        const found = this.#texts.findIndex((text) => text.includes(part))
        if (found === -1) return
        this.#texts = this.#texts.slice(found + 1)
        this.#look = () => {}
        resolve()
      }
      this.#look()
    }).finally(() => clearTimeout(timer))
  }
}
