import assert from 'node:assert/strict'
import type { ChangeFollower, ChangeSnapshot } from '../backplane/backplane.ts'

/** A follower that checks what it is told, and knows the latest change of each topic. */
export class RecordingFollower implements ChangeFollower {
  epoch = ''
  seq = -1
  resyncs = 0
  completeFrom = 0
  latest = new Map<string, number>()
  /** All it was told by `changed`. */
  readonly told: [topic: string, seq: number][] = []

  resync({ epoch, seq, completeFrom, changes }: ChangeSnapshot): void {
    assert.match(epoch, /^[\w-]{1,16}$/)
    const seqs = changes.map(([, each]) => each)
    assert.deepEqual(
      seqs,
      [...new Set(seqs)].sort((a, b) => a - b),
    )
    assert.ok(seqs.every((each) => each > completeFrom && each <= seq))
    assert.equal(new Set(changes.map(([topic]) => topic)).size, changes.length)
    this.resyncs++
    this.epoch = epoch
    this.seq = seq
    this.completeFrom = completeFrom
    this.latest = new Map(changes)
  }

  changed(topic: string, seq: number): void {
    if (this.resyncs === 0 || seq !== this.seq + 1) throw new Error(`Told of ${seq} after ${this.seq}`)
    this.seq = seq
    this.latest.delete(topic)
    this.latest.set(topic, seq)
    this.told.push([topic, seq])
  }

  /** The latest changes that it knows, in order. */
  get known(): [topic: string, seq: number][] {
    return [...this.latest].sort(([, a], [, b]) => a - b)
  }

  knows(topics: readonly string[]): boolean {
    return topics.every((topic) => this.latest.has(topic))
  }
}
