/** What `--call` prints of a Dockerfile, for people and for programs, as buildx does. */
import type { Outline } from './dockerfile/outline.ts'
import { listTargets } from './dockerfile/targets.ts'
import type { Dockerfile, Lines } from './dockerfile/types.ts'

export function targetsDocument(dockerfile: Dockerfile): object {
  const targets = listTargets(dockerfile).map(({ name, isDefault, description, base, platform }) => ({
    ...(name !== undefined && { name }),
    ...(isDefault && { default: true }),
    ...(description !== '' && { description }),
    base,
    ...(platform !== undefined && { platform }),
  }))
  return { targets }
}

export function renderTargets(dockerfile: Dockerfile): string {
  const rows = listTargets(dockerfile).map(({ name = '', isDefault, description }) => [
    isDefault ? `${name} (default)`.trim() : name,
    description,
  ])
  return table([['TARGET', 'DESCRIPTION'], ...rows], 1)
}

const location = ({ start, end }: Lines): object => ({
  location: { ranges: [{ start: { line: start }, end: { line: end } }] },
})

export function outlineDocument({ name, description, args, lent }: Outline, content: Uint8Array): object {
  const of = (type: string) => {
    const named = lent
      .filter((one) => one.type === type)
      .map(({ id, required, lines }) => ({ name: id, ...(required && { required }), ...location(lines) }))
    return named.length > 0 && { [type === 'secret' ? 'secrets' : 'ssh']: named }
  }
  const caches = lent.filter(({ type }) => type === 'cache').map(({ id, lines }) => ({ ID: id, ...location(lines) }))
  const told = args.map((arg) => ({
    name: arg.name,
    ...(arg.description !== '' && { description: arg.description }),
    ...(arg.value !== undefined && arg.value !== '' && { value: arg.value }),
    ...location(arg.lines),
  }))
  return {
    ...(name !== undefined && { name }),
    ...(description !== '' && { description }),
    ...(told.length > 0 && { args: told }),
    ...of('secret'),
    ...of('ssh'),
    ...(caches.length > 0 && { cache: caches }),
    sources: [Buffer.from(content).toString('base64')],
  }
}

export function renderOutline({ name, description, args, lent }: Outline): string {
  const head = [['TARGET:', name ?? '(default)'], ...(description === '' ? [] : [['DESCRIPTION:', description]])]
  const required = (type: string) =>
    lent.filter((one) => one.type === type).map((one) => [one.id, `${one.required || ''}`])
  const blocks = [
    name === undefined && description === '' ? '' : table(head, 1),
    section(
      ['BUILD ARG', 'VALUE', 'DESCRIPTION'],
      args.map((arg) => [arg.name, arg.value ?? '', arg.description]),
    ),
    section(['SECRET', 'REQUIRED'], required('secret')),
    section(['SSH', 'REQUIRED'], required('ssh')),
  ]
  return blocks.filter((block) => block !== '').join('\n')
}

function section(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? '' : table([heading, ...rows], 3)
}

/** Columns as wide as their widest, and some blanks between. */
function table(rows: readonly (readonly string[])[], gap: number): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)) + gap) ?? []
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('')
          .trimEnd()}\n`,
    )
    .join('')
}
