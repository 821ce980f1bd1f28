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

type Nine = (...args: never[]) => number

/** Each returns an errno. What is thrown through a module is its end, or a fault of ours. */
export function preview1Functions(context: Context): Record<string, Nine> {
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
    Object.entries(all).map(([name, call]): [string, Nine] => [
      name,
      // Nine is the most that any has; spreading a list of them would be slower.
      (a: never, b: never, c: never, d: never, e: never, f: never, g: never, h: never, i: never) => {
        try {
          call(a, b, c, d, e, f, g, h, i)
          return 0
        } catch (error) {
          return errnoOf(error)
        }
      },
    ]),
  )
}
