import type { McpServer } from '@tidings/server'

/** A schema that uses what 2020-12 has over earlier drafts. The suite compares it keyword by keyword. */
export const jsonSchema202012 = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: {
    address: {
      $anchor: 'addressDef',
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } },
    },
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
} as const

/** Adds the tool whose schema must be listed as it was written. */
export function addJsonSchema(server: McpServer): void {
  server.tool(
    'json_schema_2020_12_tool',
    { description: 'Takes arguments that a JSON Schema of 2020-12 describes', input: jsonSchema202012 },
    async (args) => ({ content: [{ type: 'text', text: JSON.stringify(args) }] }),
  )
}
