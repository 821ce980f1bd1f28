/** The custom section of a `.wasm` command that says what it is: JSON, the same as a script's declaration. */
import { PluginInvalid } from './errors.ts'

export const SECTION = 'coracle.command'
const MAX_DECLARATION_BYTES = 1 << 20
const HEADER_BYTES = 8

/** @throws {PluginInvalid} no such section, no JSON, or no module at all */
export function readWasmDeclaration(bytes: Buffer, file: string): unknown {
  const section = findSection(bytes, file)
  if (section === undefined)
    throw new PluginInvalid(file, `it has no section ${SECTION}`, {
      hint: 'see docs/plugins.md, and coracle plugins create',
    })
  if (section.length > MAX_DECLARATION_BYTES) throw new PluginInvalid(file, `its section ${SECTION} is too long`)
  try {
    return JSON.parse(section.toString('utf8')) as unknown
  } catch (error) {
    throw new PluginInvalid(file, `its section ${SECTION} is no JSON`, { cause: error })
  }
}

/** Binary format, 5.5.2: after the header, sections of an id, a LEB128 size and that many bytes; id 0 starts with its name. */
function findSection(bytes: Buffer, file: string): Buffer | undefined {
  if (bytes.length < HEADER_BYTES || bytes.readUInt32BE(0) !== 0x0061736d)
    throw new PluginInvalid(file, 'it is no WebAssembly module')
  for (let at = HEADER_BYTES; at < bytes.length; ) {
    const size = readLeb(bytes, at + 1)
    const end = size === undefined ? Infinity : size.next + size.value
    if (size === undefined || end > bytes.length)
      throw new PluginInvalid(file, 'it is cut off, or no WebAssembly module')
    const name = bytes[at] === 0 ? readLeb(bytes, size.next) : undefined
    if (name !== undefined && bytes.toString('latin1', name.next, name.next + name.value) === SECTION)
      return bytes.subarray(Math.min(name.next + name.value, end), end)
    at = end
  }
  return undefined
}

function readLeb(bytes: Buffer, start: number): { readonly value: number; readonly next: number } | undefined {
  let value = 0
  for (let index = 0; index < 5; index++) {
    const byte = bytes[start + index]
    if (byte === undefined) return undefined
    value += (byte & 0x7f) * 2 ** (7 * index)
    if (byte < 0x80) return { value, next: start + index + 1 }
  }
  return undefined
}
