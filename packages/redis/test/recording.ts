import type { BackplaneNode, ChangeFollower, ChangeSnapshot } from '@tidings/server'

/** A follower that knows what it was told. */
export class RecordingFollower implements ChangeFollower {
  readonly snapshots: ChangeSnapshot[] = []
  readonly told: string[] = []
  seq = 0

  resync(snapshot: ChangeSnapshot): void {
    this.snapshots.push(snapshot)
    this.seq = snapshot.seq
  }

  changed(topic: string, seq: number): void {
    if (seq !== this.seq + 1) throw new Error(`Told of ${seq} after ${this.seq}`)
    this.seq = seq
    this.told.push(topic)
  }

  get epoch(): string | undefined {
    return this.snapshots.at(-1)?.epoch
  }

  /** True when it knows of the change, by a snapshot or since. */
  knows(topic: string): boolean {
    return (
      this.told.includes(topic) || (this.snapshots.at(-1)?.changes ?? []).some(([known]) => known === topic)
    )
  }
}

/** A node that keeps what it is told. */
export class RecordingNode implements BackplaneNode {
  readonly node: string
  readonly mail: string[] = []
  readonly lost: string[] = []
  displacements = 0

  constructor(node: string) {
    this.node = node
  }

  receive(_from: string, mail: Uint8Array): void {
    this.mail.push(Buffer.from(mail).toString())
  }

  gone(node: string): void {
    this.lost.push(node)
  }

  displaced(): void {
    this.displacements++
  }
}
