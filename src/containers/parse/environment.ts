/** `-e`, `--env-file`, `-l` and `--label-file`: lists of KEY=value from flags and files. */
import { readFileSync, statSync } from 'node:fs'
import { InvalidArgument } from '../../errors.ts'

const MAX_FILE_BYTES = 4 << 20

type HostEnvironment = Readonly<Record<string, string | undefined>>

/**
 * The environment asked for: files first, then flags, a later one of the same name wins. A bare `NAME` takes the
 * host's value, and is left out when the host has none.
 */
export function parseEnvironment(
  flags: readonly string[],
  files: readonly string[],
  host: HostEnvironment = process.env,
): string[] {
  const entries = [...files.flatMap((file) => readKeyValueFile(file, 'env')), ...flags]
  return mergeEnvironment([], entries, host)
}

/** `overrides` over `base`, in docker's order: a replaced variable keeps its place. */
export function mergeEnvironment(
  base: readonly string[],
  overrides: readonly string[],
  host: HostEnvironment = {},
): string[] {
  const merged = new Map(base.map((entry) => [variableName(entry), entry]))
  for (const entry of overrides) {
    const name = variableName(entry)
    if (name === '') throw new InvalidArgument(`invalid environment variable: ${entry}`)
    if (entry.includes('=')) merged.set(name, entry)
    else if (host[name] !== undefined) merged.set(name, `${name}=${host[name]}`)
    else merged.delete(name)
  }
  return [...merged.values()]
}

export function parseLabels(flags: readonly string[], files: readonly string[]): Record<string, string> {
  return keyValues([...files.flatMap((file) => readKeyValueFile(file, 'label')), ...flags], 'label')
}

/** `KEY=value` or `KEY` (an empty value). */
export function keyValues(entries: readonly string[], what: string): Record<string, string> {
  const result: Record<string, string> = Object.create(null)
  for (const entry of entries) {
    const name = variableName(entry)
    if (name === '') throw new InvalidArgument(`invalid ${what} format: "${entry}"`)
    result[name] = entry.slice(name.length + 1)
  }
  return { ...result }
}

function variableName(entry: string): string {
  const equals = entry.indexOf('=')
  return equals === -1 ? entry : entry.slice(0, equals)
}

/** Lines of KEY or KEY=value; `#` starts a comment line; white space before the key is dropped. */
function readKeyValueFile(path: string, what: string): string[] {
  let bytes: Buffer
  try {
    if (statSync(path).size > MAX_FILE_BYTES) throw new InvalidArgument(`${what} file ${path} is larger than 4 MB`)
    bytes = readFileSync(path)
  } catch (error) {
    if (error instanceof InvalidArgument) throw error
    const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file or directory' : String(error)
    throw new InvalidArgument(`open ${path}: ${reason}`, { cause: error })
  }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new InvalidArgument(`${what} file ${path} contains invalid utf8 bytes`, { cause: error })
  }
  return text.split(/\r?\n/).flatMap((line, index) => {
    const entry = line.trimStart()
    if (entry === '' || entry.startsWith('#')) return []
    const name = variableName(entry)
    if (name === '') throw new InvalidArgument(`no variable name on line '${line}' of ${path}`)
    if (/\s/.test(name))
      throw new InvalidArgument(`variable '${name}' contains whitespaces (line ${index + 1} of ${path})`)
    return [entry]
  })
}
