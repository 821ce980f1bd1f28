/** `coracle/plugin`, for plugins that do not have it among their own dependencies. */
import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'

let registered = false

/** @param file - the module that authors import */
export function resolveContract(file: string): void {
  if (registered) return
  registered = true
  const url = pathToFileURL(file).href
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'coracle/plugin' ? { url, shortCircuit: true } : next(specifier, context),
  })
}
