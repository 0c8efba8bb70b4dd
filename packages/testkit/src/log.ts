import { Inbox } from './inbox.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** One call of a logger. */
export interface LogLine {
  level: LogLevel
  message: string
  fields: any
}

/** A logger, for the server as for the client, that keeps its lines. */
export class Log {
  readonly lines = new Inbox<LogLine>()
  readonly debug = this.#at('debug')
  readonly info = this.#at('info')
  readonly warn = this.#at('warn')
  readonly error = this.#at('error')

  /** The lines of these levels. */
  of(...levels: LogLevel[]): LogLine[] {
    return this.lines.all.filter(({ level }) => levels.includes(level))
  }

  /** The `err` of each line of level `error`. */
  get errors(): any[] {
    return this.of('error').map(({ fields }) => fields.err)
  }

  #at(level: LogLevel) {
    return (fields: object, message: string) => this.lines.push({ level, message, fields })
  }
}
