/** WebAssembly for tests, built with Debian's clang, wasi-libc and wabt. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { scratchDirectory } from './scratch.ts'

/** A module from WebAssembly text. */
export async function moduleFromText(text: string): Promise<Buffer> {
  const output = join(await scratchDirectory(), 'module.wasm')
  execFileSync('wat2wasm', ['--debug-names', '--enable-threads', '-', '-o', output], { input: text })
  return readFileSync(output)
}

/** A command from C. */
export async function moduleFromC(source: string): Promise<Buffer> {
  const directory = await scratchDirectory()
  writeFileSync(join(directory, 'program.c'), source)
  const output = join(directory, 'program.wasm')
  execFileSync('clang', ['--target=wasm32-wasi', '--sysroot=/usr', '-O1', join(directory, 'program.c'), '-o', output])
  return readFileSync(output)
}
