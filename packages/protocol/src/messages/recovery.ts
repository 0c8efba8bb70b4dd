/**
 * The names of the recovery extension of revision 2026-07-28. A client that lost its `subscriptions/listen` stream
 * sends the position it reached, and the server sends what has changed since. PROTOCOL.md describes the extension.
 */
export const recovery = {
  /** The key in the `extensions` of the server's capabilities. */
  extension: 'dev.tidings/recovery',
  /** `_meta` key of a `subscriptions/listen` request: the position the client reached. */
  since: 'dev.tidings/since',
  /** `_meta` key of each message on the stream: the position a client has reached when it has read the message. */
  position: 'dev.tidings/position',
  /** `_meta` key of the acknowledgement: true when the stream holds everything that changed since the position. */
  recovered: 'dev.tidings/recovered',
} as const
