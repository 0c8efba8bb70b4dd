/** Redis has no room for what would be stored. Nothing was stored. */
export class FullError extends Error {
  override readonly name = 'FullError'

  constructor(options?: ErrorOptions) {
    super('Redis has reached its maxmemory and stores nothing more. Give it more memory', options)
  }
}
