/** The peer: `node node-wasi.mjs MODULE DIRECTORY ARGUMENT…` runs a module on Node's own WASI, with the directory as /data. */
import { readFileSync } from 'node:fs'
import { WASI } from 'node:wasi'

const [module = '', directory = '', ...args] = process.argv.slice(2)
const wasi = new WASI({
  version: 'preview1',
  args: [module, ...args],
  env: {},
  preopens: { '/data': directory },
  returnOnExit: true,
})
const { instance } = await WebAssembly.instantiate(readFileSync(module), wasi.getImportObject())
process.exitCode = wasi.start(instance)
