/** WebAssembly components for tests. */
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools'

/** A component from WebAssembly text. */
export async function componentFromText(text: string): Promise<Buffer> {
  return Buffer.from(await parse(text))
}
