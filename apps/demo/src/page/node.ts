import { byId } from './element.ts'

/** Shows the node that the page's stream is on, and kills it on request: where the demo runs on several. */
export class NodePanel {
  readonly #panel = byId('node')
  readonly #name = byId('node-name')
  #pid = ''

  constructor(tell: (text: string) => void) {
    byId('kill-node').addEventListener('click', () => {
      tell(`${this.#name.textContent} killed by you`)
      void fetch(`/kill?pid=${this.#pid}`, { method: 'POST' }).catch(() => {})
    })
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
