/**
 * `node FLAGS compile-runner.ts PATH`: writes the compiled code of all functions of a program beside it. V8 takes it from
 * whoever has the same version and the same flags.
 */
import { writeFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { compile, compiledPath } from '../src/sandbox/compiled.ts'

const [path = ''] = process.argv.slice(2)
// Otherwise V8 compiles a function when it is first called, and none is.
setFlagsFromString('--no-lazy')
const script = compile(path)
setFlagsFromString('--lazy')
writeFileSync(compiledPath(path), script.createCachedData())
