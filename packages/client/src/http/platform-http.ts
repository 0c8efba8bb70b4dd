import type { HttpClient } from './http-client.ts'

/** Makes what a platform has in place of `fetch`: nothing, on this one. */
export const platformHttp: (() => HttpClient) | undefined = undefined
