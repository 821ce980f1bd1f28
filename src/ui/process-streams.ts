/** The terminal or pipes of this process. */
import { isatty } from 'node:tty'
import type { RunIO } from '../containers/types.ts'

/** Standard input is opened when somebody asks for it, since that takes 2 ms: most commands never do. */
export function processStreams(): RunIO {
  return {
    get stdin() {
      return process.stdin
    },
    get ask() {
      return isatty(0) && isatty(2) ? ask : undefined
    },
    stdout: process.stdout,
    stderr: process.stderr,
  }
}

async function ask(question: string): Promise<boolean> {
  const { confirmSafely } = await import('./prompt.ts')
  return confirmSafely(question)
}
