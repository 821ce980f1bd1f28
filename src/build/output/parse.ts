/** `--output type=…,dest=…`. */
import { InvalidArgument } from '../../errors.ts'
import { splitCsv } from '../../util/csv.ts'

export type Output =
  | { readonly type: 'image'; readonly names: readonly string[]; readonly push: boolean }
  /** `-`: standard output */
  | { readonly type: 'docker' | 'oci' | 'tar'; readonly dest: string }
  | { readonly type: 'local'; readonly dest: string }
  | { readonly type: 'cacheonly' }

/** @throws {InvalidArgument} */
export function parseOutputs(texts: readonly string[]): readonly Output[] {
  return texts.map(parseOutput)
}

const KEYS = new Set(['type', 'dest', 'name', 'push'])

function parseOutput(text: string): Output {
  const fields = splitCsv(text) ?? []
  const [first = ''] = fields
  if (fields.length === 1 && !first.includes('=')) return first === '-' ? { type: 'tar', dest: '-' } : local(first)
  const values = new Map(
    fields.map((field): [string, string] => {
      const equals = field.indexOf('=')
      if (equals === -1) throw new InvalidArgument(`invalid value ${field} in --output ${text}`)
      return [field.slice(0, equals).toLowerCase(), field.slice(equals + 1)]
    }),
  )
  const unknown = [...values.keys()].find((key) => !KEYS.has(key))
  if (unknown !== undefined) throw new InvalidArgument(`unknown key ${unknown} in --output ${text}`)
  return makeOutput(values, text)
}

function makeOutput(values: ReadonlyMap<string, string>, text: string): Output {
  const type = values.get('type') ?? ''
  const dest = values.get('dest')
  const push = /^(?:1|t|true)$/i.test(values.get('push') ?? '')
  const names = (values.get('name') ?? '').split(',').filter((name) => name !== '')
  switch (type) {
    case 'image':
      return { type, names, push }
    case 'registry':
      return { type: 'image', names, push: true }
    case 'docker':
      return dest === undefined ? { type: 'image', names, push: false } : { type, dest }
    case 'oci':
    case 'tar':
      return { type, dest: dest ?? '-' }
    case 'local':
      return local(dest ?? '')
    case 'cacheonly':
      return { type }
    default:
      throw new InvalidArgument(`unknown type ${JSON.stringify(type)} in --output ${text}`, {
        hint: 'known: image, registry, docker, oci, tar, local, cacheonly',
      })
  }
}

function local(dest: string): Output {
  if (dest === '') throw new InvalidArgument('--output type=local needs a dest', { hint: 'dest=DIRECTORY' })
  return { type: 'local', dest }
}
