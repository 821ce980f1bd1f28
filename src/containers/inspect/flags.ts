/** Words of flags for `--as-command`. */
export type Flag = string

/** Nothing for what is not set. `--name=value` in one word, so that no value is ever taken for a flag. */
export function flag(name: string, value: string | undefined, when: 'set' | 'always' = 'set'): Flag[] {
  return value === undefined || (value === '' && when === 'set') ? [] : [`--${name}=${value}`]
}

export function switched(name: string, on: boolean): Flag[] {
  return on ? [`--${name}`] : []
}

export function list(name: string, values: readonly string[] | undefined): Flag[] {
  return (values ?? []).map((value) => `--${name}=${value}`)
}

export function pairs(name: string, values: Readonly<Record<string, string>> | undefined): Flag[] {
  return Object.entries(values ?? {}).map(([key, value]) => `--${name}=${key}=${value}`)
}

/** Nothing for zero, which is docker's "not set". */
export function number(name: string, value: number | undefined, suffix = ''): Flag[] {
  return value === undefined || value === 0 ? [] : [`--${name}=${value}${suffix}`]
}
