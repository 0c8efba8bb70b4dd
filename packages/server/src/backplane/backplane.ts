/** What was published last, as the backplane has ordered it. */
export interface ChangeSnapshot {
  /**
   * Of 1 to 16 characters `A-Z a-z 0-9 _ -`. Another one says that the order began anew: sequence numbers of one epoch
   * say nothing about those of another.
   */
  readonly epoch: string
  /** The sequence number of the latest change; 0 before the first. */
  readonly seq: number
  /** The latest change of each topic that changed after this sequence number is in `changes`. */
  readonly completeFrom: number
  /** Topics with the sequence number of their latest change, ascending: the latest 1,000 at least, if there are so many. */
  readonly changes: readonly (readonly [topic: string, seq: number])[]
}

/** Who is told of all changes: a replica of the change index. */
export interface ChangeFollower {
  /** Everything up to `snapshot.seq`, for a follower that has just come, or may have missed something. */
  resync(snapshot: ChangeSnapshot): void
  /** The next change. */
  changed(topic: string, seq: number): void
}

/** A node: what holds sessions, and gets mail. */
export interface BackplaneNode {
  /** Names it among all nodes; never used again. */
  readonly node: string
  /** Takes what another node, or this one, has sent. */
  receive(from: string, mail: Uint8Array): void
  /**
   * A node has left, or is dead, or mail between the two may have been lost: what this one has begun with it has come to
   * nothing. Mail of the node that comes later belongs to a new beginning.
   */
  gone(node: string): void
}

/**
 * What several servers share, so that to a client they are one: the order of all changes, which node holds a session,
 * and mail between nodes. `MemoryBackplane` joins what runs in one process.
 *
 * What is asked of an implementation is said here, and tested by `backplaneContract` of this package's tests.
 *
 * Nodes trust each other: whoever can write to the backplane can act as any principal.
 */
export interface Backplane {
  /**
   * Begins to tell the follower of all changes: by one `resync`, before the promise resolves, and from there on by
   * `changed`, once for each change that is published on any node, in the one order that all followers see, without a
   * gap; what one node publishes keeps its order. When it cannot be known that there is no gap, because the connection was
   * lost, `resync` is called again instead: with the same epoch if the order has gone on, and another if it was lost, or
   * may have gone back. Does not reject because there is no connection yet: it waits for one.
   */
  follow(follower: ChangeFollower): Promise<void>
  /** Tells it nothing any more. */
  unfollow(follower: ChangeFollower): void
  /**
   * The topic has changed: gives the change the next sequence number, and tells all followers, this node's included. Never
   * throws and never waits. Without a connection it is kept (of one topic, once is enough) and published when there is
   * one; failures are the implementation's to log.
   */
  publish(topic: string): void

  /** The node can be found and sent mail from now on, until it leaves, or is dead. Waits for a connection. */
  join(member: BackplaneNode): Promise<void>
  /**
   * The node is no more: nobody finds sessions there, and the others are told that it is gone, after all its mail. A node
   * that dies without leaving is treated so within a time that the implementation states.
   */
  leave(node: string): Promise<void>

  /**
   * Makes the node the home of the session, unless another that is alive is. Only one of several that claim the same
   * session at once gets it. A claim holds until it is released or the node is gone, and is made again by the
   * implementation when its store was lost.
   *
   * @returns the session's home.
   * @throws when that cannot be found out: there is no connection.
   */
  claim(session: string, node: string): Promise<string>
  /** The node is no longer the home of the session. What one node claims and releases takes effect in that order. */
  release(session: string, node: string): void
  /**
   * The node that is the session's home; undefined when there is none. A claim that has resolved is seen by all.
   *
   * @throws when that cannot be found out: there is no connection.
   */
  locate(session: string): Promise<string | undefined>

  /**
   * Sends mail, which arrives once, as it is, and in order among all from the one node to the other; or else both are
   * told that the other is gone. The bytes must not be changed any more.
   *
   * @throws when it is known that it will not arrive.
   */
  send(from: string, to: string, mail: Uint8Array): Promise<void>
}
