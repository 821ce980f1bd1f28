/** One line at a terminal that says what is going on; nothing elsewhere. */
export interface StatusLine {
  readonly show: (what: string, done: number, total: number) => void
  /** Takes the line away. Idempotent. */
  readonly close: () => void
}

const REDRAW_MS = 100

export function openStatusLine(stream: { readonly isTTY?: boolean; write(text: string): unknown }): StatusLine {
  let drawnAtMs: number | undefined
  return {
    show: (what, done, total) => {
      const nowMs = performance.now()
      if (stream.isTTY !== true || (drawnAtMs !== undefined && nowMs - drawnAtMs < REDRAW_MS)) return
      drawnAtMs = nowMs
      stream.write(`\r\u001b[2K${what}: ${done + 1}/${Math.max(total, 1)}`)
    },
    close: () => {
      if (drawnAtMs !== undefined) stream.write('\r\u001b[2K')
      drawnAtMs = undefined
    },
  }
}
