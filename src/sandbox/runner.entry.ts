/**
 * The first process of a WebAssembly container: `node runner.entry.js JOB [GATE]`. With a gate it has been started before anybody knew
 * what it is to run, and waits for a byte on that descriptor; then the job and its files are there. What it prints on stderr is for people; its exit status
 * is the module's, 134 after a trap, 125 to 127 when there was nothing to run.
 */
import { join } from 'node:path'
import { loadCompiled } from './compiled.ts'

/** Name of the runner beside this file, set by the build; otherwise the source runs. */
declare const RUNNER: string | undefined

type Runner = typeof import('./runner.ts')

const argv = process.argv.slice(2)
if (typeof RUNNER === 'undefined') void import('./runner.ts').then(({ runRunner }) => runRunner(argv))
else void (loadCompiled(join(import.meta.dirname, RUNNER)) as Runner).runRunner(argv)
