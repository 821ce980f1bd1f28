/** How a process without a terminal calls this installation later: exit hooks, restarts, health probes. */
import { join } from 'node:path'
import { packageRoot } from '../package-root.ts'
import type { Paths } from '../paths.ts'

export interface CallBack {
  readonly argv: readonly string[]
  /** `NAME=value`; nothing else of the caller's environment is passed on. */
  readonly env: readonly string[]
}

/** `coracle internal WORDS` with the same directories and the same Node. */
export function callBack(paths: Paths, words: readonly string[]): CallBack {
  const { PATH, HOME } = process.env
  const env = { CORACLE_ROOT: paths.root, CORACLE_RUN: paths.run, CORACLE_NODE: process.execPath, PATH, HOME }
  return {
    argv: [join(packageRoot, 'bin', 'coracle'), 'internal', ...words],
    env: Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`])),
  }
}
