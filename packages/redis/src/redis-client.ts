/** The commands of a client of Redis that are used on a connection that is shared. */
export interface RedisCommands {
  eval(script: string, options: { keys: string[]; arguments: (string | Buffer)[] }): Promise<unknown>
  evalSha(sha: string, options: { keys: string[]; arguments: (string | Buffer)[] }): Promise<unknown>
}

/**
 * The part of a client of Redis that `RedisBackplane` uses. The clients of `@redis/client` fit: `createClient()`,
 * `createSentinel()` and `createCluster()`.
 */
export interface RedisClient extends RedisCommands {
  /** Another client with the same options, not connected. */
  duplicate(): RedisClient
  connect(): Promise<unknown>
  /** Ends the connection at once. */
  destroy(): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  /** The same client, with replies of other types. */
  withTypeMapping(mapping: Record<number, unknown>): Pick<RedisClient, 'xRead'>
  xRead(streams: { key: string; id: string }[], options: { BLOCK: number; COUNT: number }): Promise<unknown>
}
