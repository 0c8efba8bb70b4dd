import { Connection } from './connection.ts'

/** A response that has ended. */
export interface WholeResponse {
  status: number
  head: string
  body: string
}

/** Connections that are used again, for the requests that open sessions. */
export class Pool {
  readonly #port: number
  readonly #all = new Set<Connection>()
  readonly #free: Connection[] = []

  constructor(port: number) {
    this.#port = port
  }

  /** @throws {Error} when the connection is lost, or the status is not 2xx. */
  request(request: string): Promise<WholeResponse> {
    return new Promise((resolve, reject) => {
      let free = this.#free.pop()
      while (free?.closed) {
        this.#all.delete(free)
        free = this.#free.pop()
      }
      const connection: Connection = free ?? new Connection(this.#port, (error) => fail(error))
      this.#all.add(connection)
      const fail = reject
      const response: WholeResponse = { status: 0, head: '', body: '' }
      connection.send(request, {
        head: (status, head) => Object.assign(response, { status, head }),
        data: (bytes, start, end) => (response.body += bytes.toString('latin1', start, end)),
        end: () => {
          this.#free.push(connection)
          if (response.status < 300) resolve(response)
          else reject(new Error(`${response.status} ${response.body}\nto ${request.slice(0, 400)}`))
        },
      })
    })
  }

  close(): void {
    for (const connection of this.#all) connection.close()
  }
}
