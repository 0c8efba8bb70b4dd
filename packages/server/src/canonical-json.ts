/**
 * A value decoded from JSON as text, with the keys of its objects in order: the same for values that are equal in JSON, and for
 * no others. The value must not be deep: this goes into its members by recursion.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`
  const fields = value as Record<string, unknown>
  const keys = Object.keys(fields).sort()
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalJson(fields[key])}`).join()}}`
}
