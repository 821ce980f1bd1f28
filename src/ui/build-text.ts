/** What the displays of a build have in common. */
import type { BuildEvent } from '../build/types.ts'

export interface BuildDisplay {
  show(event: BuildEvent): void
  /** Idempotent. */
  close(): void
}

/** What a terminal would show of a line that a program has drawn over. */
export function lastOf(line: string): string {
  const text = line.replace(/\r+$/, '')
  return text.slice(text.lastIndexOf('\r') + 1)
}

export function seconds(milliseconds: number, digits: number): string {
  return (Math.max(0, milliseconds) / 1000).toFixed(digits)
}
