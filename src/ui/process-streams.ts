/** The terminal or pipes of this process. */
import type { RunIO } from '../containers/types.ts'

/** Standard input is opened when somebody asks for it, since that takes 2 ms: most commands never do. */
export function processStreams(): RunIO {
  return {
    get stdin() {
      return process.stdin
    },
    stdout: process.stdout,
    stderr: process.stderr,
  }
}
