/** A few lines at a terminal that are drawn again and again in their place. */

export interface Repainter {
  paint(lines: readonly string[]): void
  /** Shows the cursor again; what was painted last stays. */
  close(): void
}

const HIDE_CURSOR = '\u001b[?25l'
const SHOW_CURSOR = '\u001b[?25h'
const HOME = '\u001b[H'
const CLEAR = '\u001b[2J'
const CLEAR_LINE = '\u001b[K'
const CLEAR_BELOW = '\u001b[J'

/** Not more lines than the window has: what scrolls away cannot be painted over. */
export function openRepainter(stream: { write(text: string): unknown; readonly rows?: number | undefined }): Repainter {
  let open = true
  stream.write(`${HIDE_CURSOR}${CLEAR}`)
  const close = () => {
    if (!open) return
    open = false
    process.off('exit', close)
    stream.write(SHOW_CURSOR)
  }
  process.once('exit', close)
  return {
    paint: (lines) => {
      const shown = lines.slice(0, Math.max(1, (stream.rows || Number.POSITIVE_INFINITY) - 1)) // 0 rows: unknown
      stream.write(`${HOME}${shown.map((line) => `${line}${CLEAR_LINE}\n`).join('')}${CLEAR_BELOW}`)
    },
    close,
  }
}
