import type { HttpClient } from './http-client.ts'

/** Makes the HTTP client of the platform. Undefined on platforms where the client uses `fetch`. */
export const platformHttp: (() => HttpClient) | undefined = undefined
