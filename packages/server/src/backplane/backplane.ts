/** The latest changes, in the order of the backplane. */
export interface ChangeSnapshot {
  /**
   * 1 to 16 characters `A-Z a-z 0-9 _ -`. Another epoch means that the order began anew: sequence numbers of one epoch say
   * nothing about those of another.
   */
  readonly epoch: string
  /** The sequence number of the latest change; 0 before the first. */
  readonly seq: number
  /** `changes` holds the latest change of each topic that changed after this sequence number. */
  readonly completeFrom: number
  /** Topics with the sequence number of their latest change, ascending: at least the latest 1,000, if there are so many. */
  readonly changes: readonly (readonly [topic: string, seq: number])[]
}

/** Hears of all changes: a replica of the change index. */
export interface ChangeFollower {
  /** Takes everything up to `snapshot.seq`. Called for a new follower, and after something may have been missed. */
  resync(snapshot: ChangeSnapshot): void
  /** Takes the next change. */
  changed(topic: string, seq: number): void
}

/** A node: it holds sessions, and gets mail. */
export interface BackplaneNode {
  /** The name of the node, never used again. */
  readonly node: string
  /** Takes mail that another node, or this one, has sent. */
  receive(from: string, mail: Uint8Array): void
  /**
   * The other node has left, or is dead, or mail between the two may have been lost: everything that this node has begun with
   * it has come to nothing. Later mail of the other node belongs to a new beginning.
   */
  gone(node: string): void
}

/**
 * Connects several servers, so that to a client they are one: the order of all changes, the directory of sessions, and mail
 * between nodes. `MemoryBackplane` connects servers of one process.
 *
 * This interface states the contract of an implementation. `backplaneContract` of this package's tests checks it.
 *
 * Nodes trust each other: whoever can write to the backplane can act as any principal.
 */
export interface Backplane {
  /**
   * Begins to tell the follower of all changes: with one `resync` before the promise resolves, and from then on with
   * `changed`, once for each change of any node, without a gap, in the one order that all followers see. The changes of one
   * node keep their order. When a gap cannot be ruled out, because the connection was lost, `resync` is called again instead:
   * with the same epoch if the order has gone on, and with another if it was lost or may have gone back. Without a connection
   * the promise waits for one; it does not reject.
   */
  follow(follower: ChangeFollower): Promise<void>
  /** Stops telling the follower. */
  unfollow(follower: ChangeFollower): void
  /**
   * Publishes a change of the topic: gives it the next sequence number, and tells all followers, this node's included. Never
   * throws and never waits. Without a connection the change is kept (once for each topic) and published when there is one. The
   * implementation logs its failures.
   */
  publish(topic: string): void

  /** From now on the node can be found and sent mail, until it leaves or dies. Waits for a connection. */
  join(member: BackplaneNode): Promise<void>
  /**
   * Removes the node: its sessions are no longer found, and the other nodes are told that it is gone, after all its mail. The
   * same happens to a node that dies without leaving, within a time that the implementation states.
   */
  leave(node: string): Promise<void>

  /**
   * Makes the node the home of the session, unless another live node is. Of several nodes that claim the same session at once,
   * one gets it. A claim holds until it is released or the node is gone. The implementation repeats it when its store was lost.
   *
   * @returns the session's home.
   * @throws when there is no connection to find out.
   */
  claim(session: string, node: string): Promise<string>
  /** The node is no longer the home of the session. Claims and releases of one node take effect in their order. */
  release(session: string, node: string): void
  /**
   * The node that is the session's home; undefined when there is none. A claim that has resolved is seen by all.
   *
   * @throws when there is no connection to find out.
   */
  locate(session: string): Promise<string | undefined>

  /**
   * Sends mail. It arrives once, unchanged, and in order with all mail from this node to the other; or else both nodes are told
   * that the other is gone. The sender must not change the bytes afterwards.
   *
   * @throws when the mail is known not to arrive.
   */
  send(from: string, to: string, mail: Uint8Array): Promise<void>
}
