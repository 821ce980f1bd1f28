/** Lists of things in the shapes that `--format` asks for. */
import { formatTable } from './table.ts'
import { compileTemplate } from './template/template.ts'

/** A row's fields by docker's names; values that are functions are methods (`{{.Label "key"}}`). */
export type Row = Readonly<Record<string, unknown>>

export interface RowFormat {
  /** `--format`; undefined and `table` mean the columns below. */
  readonly format?: string | undefined
  /** Fields of the table when no template says otherwise. */
  readonly columns: readonly string[]
  /** Heading of each field there is. */
  readonly headings: Readonly<Record<string, string>>
}

/** @throws {TemplateError} */
export function formatRows(
  rows: readonly Row[],
  { format = 'table', columns, headings }: RowFormat,
): readonly string[] {
  if (format === 'json') return rows.map(rowAsJson)
  const tabular = /^table(?:\s|$)/.test(format)
  const typed = tabular ? format.slice('table'.length).trim() : format
  if (tabular && typed === '') return plainTable(rows, columns, headings)
  const render = compileTemplate(typed.replaceAll('\\t', '\t').replaceAll('\\n', '\n'))
  if (!tabular) return rows.map(render)
  const fields = Object.keys({ ...rows[0], ...headings })
  const heading = Object.fromEntries(fields.map((name) => [name, headingOf(name, headings)]))
  return formatTable([render(heading), ...rows.map(render)].map((line) => line.split('\t')))
}

function plainTable(
  rows: readonly Row[],
  columns: readonly string[],
  headings: Readonly<Record<string, string>>,
): readonly string[] {
  const heading = columns.map((name) => headings[name] ?? name.toUpperCase())
  return formatTable([heading, ...rows.map((row) => columns.map((name) => String(row[name] ?? '')))])
}

/** `Label "version"` is headed by what it is a label of, so a heading is a text and a method in one. */
function headingOf(name: string, headings: Readonly<Record<string, string>>): unknown {
  return name === 'Label' ? (key: unknown) => String(key) : (headings[name] ?? name.toUpperCase())
}

/** Keys in the order of the alphabet, as docker's. */
function rowAsJson(row: Row): string {
  const fields = Object.entries(row).filter(([, value]) => typeof value !== 'function')
  return JSON.stringify(Object.fromEntries(fields.sort(([left], [right]) => (left < right ? -1 : 1))))
}

/** `inspect`: one JSON list for people without `--format`, a line for each document with. */
export function formatDocuments(documents: readonly unknown[], format: string | undefined): readonly string[] {
  if (format === undefined || format === '') return [JSON.stringify(documents, null, 4)]
  if (format === 'json') return documents.map((document) => JSON.stringify(document))
  return documents.map(compileTemplate(format))
}
