/** What `bin/coracle` starts: the program in one file and its compiled code, or, in a checkout that nobody has built, the sources. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { constants, Script } from 'node:vm'
import { codeCache } from './code-cache.ts'

/** Name of the bundle, set by the build. */
declare const BUNDLE: string | undefined

type Cli = typeof import('./cli.ts')

// Nothing is left to do or to be written then, unless a plugin waits for this too. Node would take its heap apart piece by
// piece, which the kernel does at once.
process.once('beforeExit', () => {
  if (process.listenerCount('beforeExit') === 0) process.exit()
})

const argv = process.argv.slice(2)
if (typeof BUNDLE === 'undefined') void import('./cli.ts').then(({ runCli }) => runCli(argv))
else void loadBundle(join(import.meta.dirname, BUNDLE)).runCli(argv)

/** As Node's own loader would, but for code that is compiled already. */
function loadBundle(path: string): Cli {
  const cache = codeCache(path, argv)
  const script = new Script(
    `(function (exports, require, module, __filename, __dirname) {${readFileSync(path, 'latin1')}\n})`,
    {
      filename: path,
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
      ...(cache.data !== undefined && { cachedData: cache.data }),
    },
  )
  if (cache.data === undefined || script.cachedDataRejected === true)
    process.once('exit', (status) => {
      if (status === 0) cache.store(script.createCachedData())
    })
  const module = { exports: {} }
  const run = script.runInThisContext() as (...parameters: unknown[]) => void
  run(module.exports, createRequire(path), module, path, import.meta.dirname)
  return module.exports as Cli
}
