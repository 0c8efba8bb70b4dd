import { type JSONRPCNotification, parseMessage, parseParamsToClient } from '@tidings/protocol'
import * as fc from 'fast-check'
import { isKnownChange } from '../../src/messages/known-change.ts'

const anything = fc.oneof(fc.jsonValue(), fc.constant(undefined))
const record = fc.dictionary(fc.constantFrom('_meta', 'uri', 'content', 'a'), anything, { maxKeys: 3 })
const methods = [
  'notifications/resources/updated',
  'notifications/resources/list_changed',
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/message',
] as const

function outcome<T>(parse: () => T): T | string {
  try {
    return parse()
  } catch (error) {
    return (error as Error).message
  }
}

test('a change is one whose params are right by the schemas, and not changed by them', () => {
  fc.assert(
    fc.property(fc.constantFrom(...methods), record, (method, params) => {
      const notification = JSON.parse(
        JSON.stringify({ jsonrpc: '2.0', method, params }),
      ) as JSONRPCNotification
      if (typeof outcome(() => parseMessage(notification)) === 'string') return
      const expected = outcome(() => parseParamsToClient(method, notification.params))
      if (isKnownChange(notification)) expect(expected).toEqual(notification.params)
      else if (method !== 'notifications/message') expect(typeof expected).toBe('string')
    }),
    { numRuns: 1_000 },
  )
})
