/** All of wasi_snapshot_preview1, as a module imports it. */
import type { Context } from './context.ts'
import { errnoOf } from './errno.ts'
import { fdFunctions } from './fd-functions.ts'
import { ioFunctions } from './io-functions.ts'
import { pathFunctions } from './path-functions.ts'
import { openFunction } from './path-open.ts'
import { pollFunction } from './poll.ts'
import { processFunctions } from './process-functions.ts'
import { socketFunctions } from './socket-functions.ts'

/** Each returns an errno. What is thrown through a module is its end, or a fault of ours. */
export function preview1Functions(context: Context): Record<string, (...args: never[]) => number> {
  const all = {
    ...processFunctions(context),
    ...ioFunctions(context),
    ...fdFunctions(context),
    ...pathFunctions(context),
    ...openFunction(context),
    ...pollFunction(context),
    ...socketFunctions(context),
  }
  return Object.fromEntries(
    Object.entries(all).map(([name, call]) => [
      name,
      (...args: never[]) => {
        try {
          call(...args)
          return 0
        } catch (error) {
          return errnoOf(error)
        }
      },
    ]),
  )
}
