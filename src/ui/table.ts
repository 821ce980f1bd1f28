/** Columns as docker's tabwriter sets them: at least ten wide, three blanks apart. */
const MIN_WIDTH = 10
const PADDING = 3

/** Lines of a table; the last cell of a row is not padded. */
export function formatTable(rows: readonly (readonly string[])[], minWidth: number = MIN_WIDTH): readonly string[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [column, cell] of row.slice(0, -1).entries()) {
      widths[column] = Math.max(widths[column] ?? minWidth, widthOf(cell) + PADDING)
    }
  }
  return rows.map((row) =>
    row.map((cell, column) => pad(cell, column === row.length - 1 ? 0 : widths[column])).join(''),
  )
}

function pad(cell: string, width = 0): string {
  return cell + ' '.repeat(Math.max(0, width - widthOf(cell)))
}

/** In characters, of which most texts have as many as UTF-16 units. */
function widthOf(cell: string): number {
  return /^[\0-\x7f]*$/.test(cell) ? cell.length : [...cell].length
}
