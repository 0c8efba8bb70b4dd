/** Writes to a stream, and hears from it. */
export interface StreamWriter {
  /** The reader's socket was full, and no longer is. */
  streamReady(): void
  streamClosed(stream: MessageStream): void
}

/** An open event stream, as its writer sees it. */
export interface MessageStream {
  /** False while the reader's socket is full. */
  readonly ready: boolean
  writer: StreamWriter | undefined
  write(frame: string): void
  /** Ends the stream. The reader gets the reason, if there is one, in a comment. */
  end(reason?: string): void
}
