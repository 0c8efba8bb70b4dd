import cluster, { type Worker } from 'node:cluster'
import { requireNumbers } from '../options.ts'
import { ClusterConnection } from './cluster-connection.ts'
import { envelopeOf, stepsIn, type ToPrimary, type ToWorker } from './cluster-messages.ts'
import { ClusterStore } from './cluster-store.ts'
import type { WorkerLink } from './cluster-worker-link.ts'

export interface ClusterServeOptions {
  /** A worker that was not heard of for so long is gone: its sessions go on in the others. Default: 3,000. */
  leaseMs?: number
}

/**
 * The backplane of the workers of `node:cluster`: processes on one machine that serve one port. Changes, sessions and mail go
 * through the primary, which calls `ClusterBackplane.serve()` before it forks. A worker that dies is gone at once. When the
 * primary dies, Node ends its workers.
 *
 * @example
 * if (cluster.isPrimary) {
 *   ClusterBackplane.serve()
 *   for (let i = 0; i < availableParallelism(); i++) cluster.fork()
 *   cluster.on('exit', () => cluster.fork())
 * } else {
 *   const server = new McpServer(info, { backplane: new ClusterBackplane() })
 *   await serve(server, { port: 3000 })
 * }
 */
export class ClusterBackplane extends ClusterConnection {
  /** @throws {Error} in a process that is no worker of `node:cluster`. */
  constructor() {
    const { worker } = cluster
    if (worker === undefined) {
      throw new Error(
        'ClusterBackplane is for a worker of node:cluster, and this process is none: start it with cluster.fork()',
      )
    }
    super((steps) => {
      // A primary that cannot be reached is gone, and this worker with it.
      if (worker.isConnected()) worker.process.send(envelopeOf(steps), undefined, undefined, () => {})
    })
    worker.on('message', (message: unknown) => {
      const steps = stepsIn<ToWorker>(message)
      if (steps !== undefined) this.receive(steps)
    })
    worker.once('disconnect', () => this.close())
  }

  /**
   * Lets the workers of this process, the primary, share what they have.
   *
   * @throws {Error} in a worker.
   * @throws {TypeError} when `leaseMs` is no number.
   */
  static serve({ leaseMs = 3_000 }: ClusterServeOptions = {}): void {
    if (!cluster.isPrimary) throw new Error('Call ClusterBackplane.serve() in the primary, not in a worker')
    requireNumbers({ leaseMs })
    const store = new ClusterStore(leaseMs)
    const links = new Map<Worker, WorkerLink>()
    const linkOf = (worker: Worker): WorkerLink => {
      const link = links.get(worker) ?? store.connect((steps, left) => sendTo(worker, steps, left))
      links.set(worker, link)
      return link
    }
    const close = (worker: Worker) => {
      links.get(worker)?.close()
      links.delete(worker)
    }
    cluster.on('message', (worker, message: unknown) => {
      const steps = stepsIn<ToPrimary>(message)
      if (steps !== undefined && worker.isConnected()) linkOf(worker).receive(steps)
    })
    cluster.on('disconnect', close)
    cluster.on('exit', close)
  }
}

function sendTo(worker: Worker, steps: readonly ToWorker[], left: () => void): void {
  if (worker.isConnected()) worker.process.send(envelopeOf(steps), undefined, undefined, left)
}
