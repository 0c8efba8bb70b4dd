/** The names of all keys of a namespace. The braces put them into one hash slot of a cluster. */
export class Keys {
  readonly prefix: string
  /** Hash: epoch, seq, floor (the number from which the topics are complete), replid and run (of the server), writtenAt, anewAt (when a node found that the order had begun anew). */
  readonly order: string
  /** Stream: the latest batches of changes. */
  readonly log: string
  /** Sorted set: topic and the number of its latest change. */
  readonly topics: string
  /** Sorted set: node and the end of its lease. */
  readonly nodes: string
  /** Set: nodes that take no more sessions. */
  readonly retired: string
  /** Hash: node and the bytes of the mail that it has not read. */
  readonly mailBytes: string

  constructor(namespace: string) {
    this.prefix = `{${namespace}}:`
    this.order = `${this.prefix}order`
    this.log = `${this.prefix}log`
    this.topics = `${this.prefix}topics`
    this.nodes = `${this.prefix}nodes`
    this.retired = `${this.prefix}retired`
    this.mailBytes = `${this.prefix}mail-bytes`
  }

  /** Stream: the mail of a node. */
  mailOf(node: string): string {
    return `${this.prefix}mail:${node}`
  }

  /** String: the number of the last batch of a publisher. Expires. */
  batchesOf(publisher: string): string {
    return `${this.prefix}batches:${publisher}`
  }

  /** Stream: ends the wait of a reader. Expires. */
  wakeOf(publisher: string): string {
    return `${this.prefix}wake:${publisher}`
  }

  /** Hash: home, ttlMs, record. Expires. */
  session(id: string): string {
    return `${this.prefix}session:${id}`
  }
}
