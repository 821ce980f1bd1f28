/** The part of a Dockerfile that an error talks about, with a caret below the words. */
import { neutralise } from '../../ui/text.ts'
import type { Lines, Source } from './types.ts'

const AROUND = 2
const WIDTH = 100
const MAX_LINES = 12

/**
 * The lines of an instruction and two on either side. Long lines are cut to what stands around `near`, long
 * instructions to their first lines and the one that is pointed at.
 *
 * @param near - text in those lines that the caret shall stand below; the first word where it is not found
 */
export function excerpt(source: Source, lines: Lines, near?: string): string {
  const target = find(source, lines, near)
  const first = Math.max(1, Math.min(lines.start, target.line) - AROUND)
  const last = Math.min(source.lines.length, lines.end + AROUND)
  const shown = numbers(first, last, target.line)
  const width = String(shown.at(-1) ?? 1).length
  const rows = shown.flatMap((number) => {
    const isMeant = number >= lines.start && number <= lines.end
    const mark = `${isMeant ? '>' : ' '} ${String(number).padStart(width)} | `
    const text = source.lines[number - 1] ?? ''
    if (number !== target.line) return [`${mark}${cut(text, 0).text}`.trimEnd()]
    const view = cut(text, target.column)
    const indent = neutralise(view.text.slice(0, target.column - view.from)).replace(/[^\t]/g, ' ')
    const carets = '^'.repeat(Math.max(1, Math.min(target.length, view.text.length - target.column + view.from)))
    return [`${mark}${view.text}`.trimEnd(), `${' '.repeat(width + 2)} | ${indent}${carets}`]
  })
  return [`${neutralise(source.name)}:${target.line}:${target.column + 1}`, ...rows.map(neutralise)].join('\n')
}

interface Target {
  readonly line: number
  /** From 0. */
  readonly column: number
  readonly length: number
}

function find(source: Source, { start, end }: Lines, near: string | undefined): Target {
  for (let line = start; near !== undefined && near !== '' && line <= end; line += 1) {
    const column = (source.lines[line - 1] ?? '').indexOf(near)
    if (column !== -1) return { line, column, length: near.length }
  }
  const text = source.lines[start - 1] ?? ''
  const column = Math.max(0, text.search(/\S/))
  return { line: start, column, length: /^\S*/.exec(text.slice(column))?.[0].length ?? 1 }
}

/** Never more than `MAX_LINES`: the first ones, and the target with its neighbours. */
function numbers(first: number, last: number, target: number): readonly number[] {
  const all = Array.from({ length: Math.min(last, target + MAX_LINES) - first + 1 }, (_, index) => first + index)
  if (all.length <= MAX_LINES) return all
  return all.filter((number) => number < first + MAX_LINES / 2 || Math.abs(number - target) <= AROUND)
}

/** The part of a long line that has the column in it. */
function cut(line: string, column: number): { readonly text: string; readonly from: number } {
  const text = line.replace(/\r$/, '')
  if (text.length <= WIDTH) return { text, from: 0 }
  const from = column < WIDTH - 20 ? 0 : column - 20
  return { text: text.slice(from, from + WIDTH), from }
}
