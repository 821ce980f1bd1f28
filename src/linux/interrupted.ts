/** Ctrl-C, and programs like `timeout`, signal all of a process group: the native program may be gone before we hear of it ourselves. */
import type { ChildProcess } from 'node:child_process'
import { Cancelled } from '../errors.ts'

const INTERRUPTIONS: ReadonlySet<NodeJS.Signals | null> = new Set(['SIGHUP', 'SIGINT', 'SIGTERM'])

/** @returns why the work of a child that is closed has failed: `error`, unless somebody has interrupted it */
export function causeOfEnd<Failure>(child: Pick<ChildProcess, 'signalCode'>, error: Failure): Failure | Cancelled {
  return INTERRUPTIONS.has(child.signalCode) ? new Cancelled({ cause: error }) : error
}
