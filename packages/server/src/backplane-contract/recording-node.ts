import type { BackplaneNode } from '../backplane/backplane.ts'

/** A node that keeps its mail. */
export class RecordingNode implements BackplaneNode {
  readonly node: string
  readonly mail: { from: string; text: string }[] = []
  /** The nodes that it was told are gone. */
  readonly lost: string[] = []
  /** How often it was displaced. */
  displacements = 0

  constructor(node: string) {
    this.node = node
  }

  receive(from: string, mail: Uint8Array): void {
    this.mail.push({ from, text: Buffer.from(mail).toString() })
  }

  gone(node: string): void {
    this.lost.push(node)
  }

  displaced(): void {
    this.displacements++
  }
}
