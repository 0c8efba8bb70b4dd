import {
  defaultJsonBounds,
  errorCodes,
  isResponse,
  type JSONRPCMessage,
  type McpError,
  parseJson,
  parseMessage,
} from '@tidings/protocol'
import { ProtocolError } from '../errors.ts'
import { type Logger, warnOfLeftOut } from '../logger.ts'

/** The wrong messages of a batch that are left out. A batch with more is not read on. */
const maxWrong = 10

/** Options of {@link readMessages}. */
export interface ReadMessagesOptions {
  maxMessageLength: number
  logger: Logger
}

/**
 * Reads the messages in a JSON text: one, or a batch. Revision 2025-03-26 allows a batch, and it does no harm in the
 * others. A wrong message of a batch is left out, with a warning.
 *
 * @throws {McpError} when the text is not JSON, or no message.
 * @throws {ProtocolError} when it is nested more than 100 deep, or holds more values than one for each 16 characters of
 * `maxMessageLength`, and more than 1,000,000.
 */
export function readMessages(
  text: string,
  { maxMessageLength, logger }: ReadMessagesOptions,
): JSONRPCMessage[] {
  const value = decode(text, Math.max(1_000_000, Math.floor(maxMessageLength / 16)))
  if (!Array.isArray(value)) return [readMessage(value, logger)]
  const messages: JSONRPCMessage[] = []
  let wrong = 0
  for (const each of value) {
    try {
      messages.push(readMessage(each, logger))
    } catch (err) {
      if (++wrong > maxWrong) throw err
      logger.warn({ err }, 'the server sent a batch with something that is not a message')
    }
  }
  return messages
}

function decode(text: string, maxValues: number): unknown {
  try {
    return parseJson(text, { ...defaultJsonBounds, maxValues })
  } catch (cause) {
    if ((cause as McpError).code === errorCodes.parseError) throw cause
    const start = JSON.stringify(text.slice(0, 100))
    throw new ProtocolError(
      `The server sent too much in one. ${(cause as Error).message}. It begins: ${start}`,
      { cause },
    )
  }
}

function readMessage(value: unknown, logger: Logger): JSONRPCMessage {
  const message = parseMessage(value, warnOfLeftOut(logger))
  // Most ids of the client are numbers. Some servers send them back as strings.
  if (isResponse(message) && String(Number(message.id)) === message.id) message.id = Number(message.id)
  return message
}
