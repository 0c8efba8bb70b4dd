import { wordsOf } from '../format-value.ts'
import { element } from './element.ts'

/** The JSON Schema of one property, as far as a form can show it. */
export interface FieldSchema {
  type?: string
  title?: string
  description?: string
  default?: unknown
  enum?: unknown[]
  enumNames?: string[]
  oneOf?: { const?: unknown; title?: string }[]
  items?: { enum?: unknown[]; anyOf?: { const?: unknown; title?: string }[] }
  format?: string
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
}

/** A labelled control for one property. */
export interface Field {
  element: HTMLElement
  /** The value filled in, undefined to leave the property out. Throws when it has to be JSON and is not. */
  read(): unknown
}

interface Choice {
  value: unknown
  title: string
}

// A text that may be longer than this is likely to have several lines.
const longText = 500
const inputTypes: Record<string, string> = {
  email: 'email',
  uri: 'url',
  date: 'date',
  'date-time': 'datetime-local',
}
let count = 0

/** Makes the control that suits `schema`; JSON text where none does. */
export function makeField(name: string, schema: FieldSchema, required: boolean): Field {
  const id = `field-${++count}`
  const label = schema.title ?? wordsOf(name)
  const hint = schema.description ? element('small', { id: `${id}-hint` }, schema.description) : undefined
  const common = { id, name, 'aria-describedby': hint?.id }

  const labelled = (control: HTMLElement, read: () => unknown): Field => ({
    element: element(
      'div',
      { class: 'field' },
      element('label', { for: id }, label),
      control,
      ...(hint ? [hint] : []),
    ),
    read,
  })

  if (schema.type === 'boolean') {
    const box = element('input', { ...common, type: 'checkbox', checked: schema.default === true })
    const shown = element('label', { class: 'check', for: id }, box, label)
    return {
      element: element('div', { class: 'field' }, shown, ...(hint ? [hint] : [])),
      read: () => box.checked,
    }
  }

  const one = choices(schema)
  if (one) {
    const select = element('select', { ...common, required }, ...options(one, [schema.default], !required))
    return labelled(select, () => one[Number(select.value || NaN)]?.value)
  }

  const many = schema.type === 'array' && schema.items ? choices(schema.items) : undefined
  if (many) {
    const chosen = Array.isArray(schema.default) ? (schema.default as unknown[]) : []
    const select = element(
      'select',
      { ...common, multiple: true, size: many.length },
      ...options(many, chosen, false),
    )
    return labelled(select, () =>
      Array.from(select.selectedOptions, (option) => many[Number(option.value)]?.value),
    )
  }

  if (schema.type === 'number' || schema.type === 'integer') {
    const input = element('input', {
      ...common,
      type: 'number',
      inputmode: schema.type === 'integer' ? 'numeric' : 'decimal',
      required,
      min: schema.minimum,
      max: schema.maximum,
      step: schema.type === 'integer' ? 1 : 'any',
      value: schema.default as number | undefined,
    })
    return labelled(input, () => (input.value === '' ? undefined : input.valueAsNumber))
  }

  if (schema.type === 'string') {
    const attributes = {
      ...common,
      // An empty text is a text, an empty date or address is none.
      required: required && ((schema.minLength ?? 0) > 0 || schema.format !== undefined),
      minlength: schema.minLength,
      maxlength: schema.maxLength,
    }
    const isLong = schema.format === undefined && (schema.maxLength ?? 0) >= longText
    const type = inputTypes[schema.format ?? ''] ?? 'text'
    const input = isLong
      ? element('textarea', { ...attributes, rows: 4 })
      : element('input', { ...attributes, type, spellcheck: 'false' })
    if (typeof schema.default === 'string') input.value = schema.default
    return labelled(input, () => {
      if (input.value === '' && !required) return undefined
      return type === 'datetime-local' ? new Date(input.value).toISOString() : input.value
    })
  }

  const json = element('textarea', { ...common, rows: 3, required, placeholder: 'JSON', spellcheck: 'false' })
  if (schema.default !== undefined) json.value = JSON.stringify(schema.default)
  return labelled(json, () => (json.value.trim() === '' ? undefined : (JSON.parse(json.value) as unknown)))
}

function choices(
  schema: Pick<FieldSchema, 'enum' | 'enumNames' | 'oneOf'> & FieldSchema['items'],
): Choice[] | undefined {
  if (schema.enum) {
    return schema.enum.map((value, index) => ({ value, title: schema.enumNames?.[index] ?? String(value) }))
  }
  const titled = schema.oneOf ?? schema.anyOf
  if (!titled?.every((choice) => choice.const !== undefined)) return undefined
  return titled.map((choice) => ({ value: choice.const, title: choice.title ?? String(choice.const) }))
}

function options(choices: Choice[], chosen: unknown[], mayBeNone: boolean): HTMLOptionElement[] {
  const made = choices.map(({ value, title }, index) =>
    element('option', { value: index, selected: chosen.includes(value) }, title),
  )
  return mayBeNone ? [element('option', { value: '' }), ...made] : made
}
