/** The size of the user's terminal, and whoever wants to know when it changes. */
import type { RunIO } from '../types.ts'

export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

/** @returns undefined when standard output is no terminal */
export function terminalSize({ stdout }: Pick<RunIO, 'stdout'>): TerminalSize | undefined {
  const { isTTY, columns, rows } = stdout
  return isTTY === true && columns !== undefined && rows !== undefined ? { columns, rows } : undefined
}

/** Tells `resize` of every new size, until the answer is disposed of. */
export function followTerminalSize(
  io: Pick<RunIO, 'stdout'>,
  resize: (size: TerminalSize) => Promise<unknown>,
): Disposable {
  const onResize = () => {
    const size = terminalSize(io)
    // Whoever is gone has no use for a size.
    if (size !== undefined) void resize(size).catch(() => {})
  }
  io.stdout.on('resize', onResize)
  return { [Symbol.dispose]: () => io.stdout.off('resize', onResize) }
}
