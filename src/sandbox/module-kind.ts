/** Tells from its bytes what a WebAssembly file is (WebAssembly core specification, binary format; component model). */

export type ModuleKind =
  /** Imports wasi_snapshot_preview1 or nothing of WASI, and exports `_start`. */
  | 'command'
  /** Exports `_initialize`, or only functions to call. */
  | 'reactor'
  /** WASI threads: a shared imported memory and `wasi.thread-spawn`. */
  | 'threads'
  /** wasi_unstable, of 2019. */
  | 'preview0'
  | 'component'
  | 'text'
  | 'unknown'

export interface ModuleFacts {
  readonly kind: ModuleKind
  /** `module.name` of each import. */
  readonly imports: readonly string[]
  readonly exports: readonly string[]
}

const NOTHING = { imports: [], exports: [] } as const
const MAGIC = 0x6d73_6100
const MODULE_VERSION = 1
const COMPONENT_VERSION = 0x0001_000d
/** `(`, or `;;` of a comment. */
const isText = (bytes: Buffer): boolean => /^\s*(?:\(|;;)/.test(bytes.toString('latin1', 0, 64))

/** Compiles nothing: any bytes are safe to ask about. */
export function readModuleFacts(bytes: Buffer): ModuleFacts {
  if (bytes.length < 8 || bytes.readUInt32LE(0) !== MAGIC)
    return { kind: isText(bytes) ? 'text' : 'unknown', ...NOTHING }
  const version = bytes.readUInt32LE(4)
  if (version === COMPONENT_VERSION) return { kind: 'component', ...NOTHING }
  if (version !== MODULE_VERSION) return { kind: 'unknown', ...NOTHING }
  return readSections(bytes)
}

function readSections(bytes: Buffer): ModuleFacts {
  const reader = openReader(bytes, 8)
  let imports: readonly string[] = []
  let exports: readonly string[] = []
  try {
    while (reader.at < bytes.length) {
      const id = reader.byte()
      const end = reader.number() + reader.at
      if (end > bytes.length) throw new RangeError('a section is cut')
      if (id === IMPORT_SECTION) imports = readImports(reader)
      if (id === EXPORT_SECTION) exports = readExports(reader)
      reader.at = end
    }
  } catch (error) {
    if (error instanceof RangeError) return { kind: 'unknown', ...NOTHING }
    throw error
  }
  return { kind: kindOf(imports, exports), imports, exports }
}

function kindOf(imports: readonly string[], exports: readonly string[]): ModuleKind {
  if (imports.includes('wasi.thread-spawn')) return 'threads'
  if (imports.some((name) => name.startsWith('wasi_unstable.'))) return 'preview0'
  return exports.includes('_start') ? 'command' : 'reactor'
}

const IMPORT_SECTION = 2
const EXPORT_SECTION = 7

interface Reader {
  at: number
  byte(): number
  number(): number
  name(): string
}

function readImports(reader: Reader): string[] {
  return times(reader.number(), () => {
    const name = `${reader.name()}.${reader.name()}`
    skipImportType(reader)
    return name
  })
}

/** Function: a type index; table: a type and limits; memory: limits; global: a type and mutability; tag: 0 and an index. */
function skipImportType(reader: Reader): void {
  const kind = reader.byte()
  if (kind === 0) reader.number()
  else if (kind === 1) {
    reader.byte()
    skipLimits(reader)
  } else if (kind === 2) skipLimits(reader)
  else if (kind === 3 || kind === 4) {
    reader.number()
    reader.number()
  } else throw new RangeError('an import of no known kind')
}

function skipLimits(reader: Reader): void {
  const flags = reader.byte()
  reader.number()
  if ((flags & 1) !== 0) reader.number()
}

function readExports(reader: Reader): string[] {
  return times(reader.number(), () => {
    const name = reader.name()
    reader.byte()
    reader.number()
    return name
  })
}

const MAX_ITEMS = 1_000_000

function times<Item>(count: number, make: () => Item): Item[] {
  if (count > MAX_ITEMS) throw new RangeError('too many items')
  return Array.from({ length: count }, make)
}

function openReader(bytes: Buffer, start: number): Reader {
  const reader: Reader = {
    at: start,
    byte: () => bytes.readUInt8(reader.at++),
    /** LEB128, unsigned; of sizes beyond 2^53 nobody has that many bytes. */
    number: () => {
      let value = 0
      for (let scale = 1; scale < 2 ** 63; scale *= 128) {
        const byte = reader.byte()
        value += (byte & 0x7f) * scale
        if (byte < 0x80) return value
      }
      throw new RangeError('a number is too long')
    },
    name: () => {
      const size = reader.number()
      if (size > bytes.length - reader.at) throw new RangeError('a name is cut')
      reader.at += size
      return bytes.toString('utf8', reader.at - size, reader.at)
    },
  }
  return reader
}
