/** Where a walled runner finds what is the container's own: the same places in all of them, so that one can be started before it has them. */
import { dirname } from 'node:path'
import { MODULE_ROOT } from '../../paths.ts'

const DIRECTORY = dirname(MODULE_ROOT)

export const PLACES = {
  directory: DIRECTORY,
  /** The container's files. */
  root: MODULE_ROOT,
  job: `${DIRECTORY}/job`,
  /** The program, where it is not among the files. */
  module: `${DIRECTORY}/module`,
  /** What a component was made into. */
  prepared: `${DIRECTORY}/prepared`,
  /** Takes what the module looks for in vain. */
  refused: `${DIRECTORY}/refused`,
} as const

/** What a container has of names, where libraries look for it. */
export const NETWORK_FILES = ['/etc/hosts', '/etc/hostname', '/etc/resolv.conf']
