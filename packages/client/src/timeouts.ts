/** The time limits of a client, in milliseconds. `ConnectOptions` describes each. */
export interface Timeouts {
  readonly connectTimeoutMs: number
  readonly timeoutMs: number
  readonly totalTimeoutMs: number
}
