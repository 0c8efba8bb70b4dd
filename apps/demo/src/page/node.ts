import { byId } from './element.ts'

/** Shows the node that the page's stream is on, and kills it on request: where the demo runs on several. */
export class NodePanel {
  readonly #panel = byId('node')
  readonly #name = byId('node-name')
  #pid = ''

  constructor(tell: (text: string) => void) {
    byId('kill-node').addEventListener('click', () => {
      void this.#kill(tell)
    })
  }

  async #kill(tell: (text: string) => void): Promise<void> {
    const name = this.#name.textContent
    try {
      const { ok, statusText } = await fetch(`/kill?pid=${this.#pid}`, { method: 'POST' })
      tell(ok ? `${name}, was killed by you` : `${name}, is not killed: ${statusText}`)
    } catch (error) {
      // The node that was asked may be the one that has died.
      tell(`the request to kill ${name} got no answer: ${(error as Error).message}`)
    }
  }

  /** A response has come. A stream is answered by the node that it stays with. */
  heard({ headers }: Response): void {
    const node = headers.get('Demo-Node')
    if (node === null || !headers.get('Content-Type')?.startsWith('text/event-stream')) return
    const at = node.lastIndexOf(' ')
    this.#pid = node.slice(at + 1)
    this.#name.textContent = `${node.slice(0, at)}, process ${this.#pid}`
    this.#panel.hidden = false
  }
}
