import { MemoryBackplane } from './memory-backplane.ts'
import { WorkerLink, type WorkerLinkOptions } from './cluster-worker-link.ts'

/** What the workers of one primary share. It lives in the primary. */
export class ClusterStore {
  readonly #backplane = new MemoryBackplane()
  readonly #links = new Set<WorkerLink>()
  readonly #leaseMs: number

  /** @param leaseMs a worker that was not heard of for so long is gone. */
  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs
  }

  /** A worker comes. `send` must call back when the message has left this process, or cannot. */
  connect(send: WorkerLinkOptions['send']): WorkerLink {
    const link = new WorkerLink({
      backplane: this.#backplane,
      leaseMs: this.#leaseMs,
      send,
      nodesChanged: () => {
        const names = this.#backplane.nodes()
        for (const each of this.#links) each.tellNodes(names)
      },
      closed: () => this.#links.delete(link),
    })
    this.#links.add(link)
    link.tellNodes(this.#backplane.nodes())
    return link
  }
}
