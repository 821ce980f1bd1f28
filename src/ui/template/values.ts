/** Values as Go shows and weighs them. */

export type PlainObject = Readonly<Record<string, unknown>>

/** Go's truth: false, 0, nil, and whatever is empty are not. */
export function isTruthy(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0
  return value !== undefined && value !== null && value !== false && value !== 0 && value !== ''
}

/** As `{{.X}}` prints: `[a b]`, `map[k:v]` in the order of keys, `<no value>`. */
export function printValue(value: unknown): string {
  if (value === undefined || value === null) return '<no value>'
  if (Array.isArray(value)) return `[${value.map(printNested).join(' ')}]`
  if (typeof value === 'object') {
    const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1))
    return `map[${entries.map(([key, each]) => `${key}:${printNested(each)}`).join(' ')}]`
  }
  return String(value)
}

function printNested(value: unknown): string {
  return value === undefined || value === null ? '<nil>' : printValue(value)
}
