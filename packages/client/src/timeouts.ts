/** The time limits of a client, in milliseconds. `ConnectOptions` describes each. */
export interface Timeouts {
  readonly connectTimeoutMs: number
  readonly timeoutMs: number
  readonly totalTimeoutMs: number
}

export const defaultTimeouts: Timeouts = {
  connectTimeoutMs: 10_000,
  timeoutMs: 60_000,
  totalTimeoutMs: 600_000,
}
