/**
 * A program of one file whose compiled code lies beside it, made when it was built. V8 refuses what another version of it made, or other flags;
 * then it compiles as ever.
 */
import { readFileSync } from 'node:fs'
import { createRequire, Module } from 'node:module'
import { dirname } from 'node:path'
import { constants, Script } from 'node:vm'

export const compiledPath = (path: string): string => `${path}.code`

/** As Node's own loader wraps a module. */
export function compile(path: string, cachedData?: Buffer): Script {
  const source = readFileSync(path, 'latin1')
  return new Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
    filename: path,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    ...(cachedData !== undefined && { cachedData }),
  })
}

/** @returns what it exports; whatever it loads later and needs it again gets the same */
export function loadCompiled(path: string): unknown {
  const run = compile(path, readIfThere(compiledPath(path))).runInThisContext() as (...parameters: unknown[]) => void
  const require = createRequire(path)
  const module = new Module(path)
  module.filename = path
  module.loaded = true
  require.cache[path] = module
  run(module.exports, require, module, path, dirname(path))
  return module.exports
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch {
    return undefined // as where it could not be made: slower, and no reason to fail
  }
}
