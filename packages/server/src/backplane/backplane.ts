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

/** The place of a session among the nodes. */
export interface SessionPlace {
  /** The node that is the session's home. */
  readonly home: string
  /** What was stored last of the session. Given to the home only; undefined when nothing was. */
  readonly record?: string | undefined
}

/** A node: it holds sessions, and gets mail. */
export interface BackplaneNode {
  /** The name of the node, never used by another. */
  readonly node: string
  /** Takes mail that another node, or this one, has sent. */
  receive(from: string, mail: Uint8Array): void
  /**
   * The other node has left, or is dead, or mail between the two may have been lost: everything that this node has begun with
   * it has come to nothing. Later mail of the other node belongs to a new beginning.
   */
  gone(node: string): void
  /**
   * The lease of this node had run out, or the store was lost: its sessions may have another home by now, or none. It is a node
   * again, and has to claim each of its sessions anew.
   */
  displaced(): void
}

/** The state of the connection to the backplane's store. */
export interface BackplaneHealth {
  /** `degraded` while this process may miss changes, or its sessions may be taken for lost. */
  readonly status: 'connected' | 'degraded'
  /** The reason, for a person to read; undefined while connected. */
  readonly reason?: string | undefined
  /** The number of nodes that are alive, as far as is known. */
  readonly nodes: number
}

/** The order of all changes. */
export interface ChangeOrder {
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
   * Publishes a change of the topic: gives it the next sequence number, and tells all followers, this node's included. A topic
   * that is published several times in one turn of the event loop may be one change. Never throws and never waits. Without a
   * connection the change is kept (once for each topic) and published when there is one. The implementation logs its failures.
   */
  publish(topic: string): void
}

/** The nodes, and mail between them. */
export interface Membership {
  /** From now on the node can be found and sent mail, until it leaves or dies. Waits for a connection. */
  join(member: BackplaneNode): Promise<void>
  /**
   * Removes the node: it is no longer the home of its sessions, and the other nodes are told that it is gone, after all its
   * mail. The same happens to a node that dies without leaving, within a time that the implementation states.
   */
  leave(node: string): Promise<void>
  /** The node goes on, and is about to leave: no session is handed over to it. */
  retire(node: string): void
  /** The names of all nodes that are alive, as far as is known. */
  nodes(): readonly string[]
  /**
   * Undefined while the node's lease is certain to hold: no other node can have become the home of its sessions. Otherwise
   * settles when that is known again, after `displaced` where that was due. Rejects when the store cannot be reached.
   */
  certain(node: string): Promise<void> | undefined
  /**
   * Sends mail. It arrives once, unchanged, and in order with all mail from this node to the other; or else both nodes are told
   * that the other is gone. The sender must not change the bytes afterwards.
   *
   * @throws when the mail is known not to arrive.
   */
  send(from: string, to: string, mail: Uint8Array): Promise<void>
}

/**
 * The homes of sessions, and what is stored of them. What one node asks takes effect in the order of asking. Each promise
 * rejects when there is no connection to find out, or to store.
 */
export interface SessionDirectory {
  /**
   * Makes the node the home of the session, unless another live node is. Of several nodes that claim the same session at once,
   * one gets it. A claim holds until it is released or handed over, or the node is gone.
   *
   * @param keepMs the least time that what is stored is kept while the session has no live home. It goes some time after.
   * @param record stored if nothing is.
   */
  claim(session: string, node: string, keepMs: number, record?: string): Promise<SessionPlace>
  /**
   * Makes the node the home of a session of which something is stored and that has no live home. Undefined when there is no
   * such session: neither a live home, nor anything stored. Rejects where that is not certain: a store that has lost what it
   * knew has to hear from each node first.
   */
  adopt(session: string, node: string): Promise<SessionPlace | undefined>
  /**
   * Stores what is to be known of a session, in place of what was.
   *
   * @returns false, and stores nothing, when the node is not the home of the session (any more).
   */
  save(session: string, node: string, record: string): Promise<boolean>
  /**
   * Stores what is to be known of a session, and makes another live node its home, one that has not retired. The other finds
   * out when it first looks for the session. Without such a node the session has no home until one adopts it.
   *
   * @returns the new home. Undefined when there is none, or the node is not the home.
   */
  handOver(session: string, node: string, record: string): Promise<string | undefined>
  /** The session has ended. Nothing happens when the node is not its home. */
  release(session: string, node: string): void
}

/**
 * Connects several servers, so that to a client they are one: the order of all changes, the directory of sessions, and mail
 * between nodes. `MemoryBackplane` connects servers of one process.
 *
 * This interface states the contract of an implementation. `backplaneContract` of this package's tests checks it.
 *
 * Nodes trust each other: whoever can write to the backplane can act as any principal.
 */
export interface Backplane extends ChangeOrder, Membership, SessionDirectory {
  readonly health: BackplaneHealth
}
