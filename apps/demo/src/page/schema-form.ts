import { element } from './element.ts'
import { makeField, type Field, type FieldSchema } from './schema-field.ts'

/** A form made from a JSON Schema of an object. */
export interface SchemaForm {
  element: HTMLFormElement
  /** The values by name, without the optional ones that were left empty. */
  read(): Record<string, unknown>
}

/** An `inputSchema` of a tool or a `requestedSchema` of an elicitation. */
export interface ObjectSchema {
  properties?: Record<string, unknown> | undefined
  required?: string[] | undefined
}

/** Makes a form with a field for each property of `schema`. The caller adds the buttons. */
export function makeSchemaForm(schema: ObjectSchema): SchemaForm {
  const fields = new Map<string, Field>()
  const form = element('form', { class: 'fields', autocomplete: 'off' })
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const required = schema.required?.includes(name) ?? false
    const field = makeField(name, property as FieldSchema, required)
    fields.set(name, field)
    form.append(field.element)
  }
  return {
    element: form,
    read() {
      const values: Record<string, unknown> = {}
      for (const [name, field] of fields) {
        const value = field.read()
        if (value !== undefined) values[name] = value
      }
      return values
    },
  }
}
