/** WebAssembly components for tests: of text, or of C that speaks WASI 0.2 by itself (component.h, wasi.wit). */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco-transpile/wasm-tools'
import { scratchDirectory } from './scratch.ts'

/** A component from WebAssembly text. */
export async function componentFromText(text: string): Promise<Buffer> {
  return Buffer.from(await parse(text))
}

/** A component from C, of a world of wasi.wit; what it does not use of that it does not import. */
export async function componentFromC(
  source: string,
  world: 'command' | 'client' | 'proxy' = 'command',
): Promise<Buffer> {
  const directory = await scratchDirectory()
  const [program, core] = [join(directory, 'program.c'), join(directory, 'core.wasm')]
  writeFileSync(program, `#include "component.h"\n${source}`)
  const target = ['--target=wasm32', '-nostdlib', '-ffreestanding', '-mbulk-memory', '-Wl,--no-entry']
  execFileSync('clang', [...target, '-O1', '-fno-builtin', '-I', import.meta.dirname, program, '-o', core])
  const witSource = readFileSync(join(import.meta.dirname, 'wasi.wit'), 'utf8')
  return Buffer.from(await componentNew(await componentEmbed({ binary: readFileSync(core), witSource, world })))
}
