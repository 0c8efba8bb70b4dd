/** POSTs a JSON-RPC message as any HTTP client would: an object as JSON, a string as it is. */
export function post(url: string, message: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const body = typeof message === 'string' ? message : JSON.stringify(message)
  return fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body })
}
