/** Tells from its bytes what a WebAssembly file is (WebAssembly core specification, binary format; component model). */
import { type BinaryReader, readEachSection, times } from './binary-reader.ts'
import { readComponentFacts } from './component-facts.ts'

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

export interface ImportedMemory {
  readonly module: string
  readonly name: string
  readonly minPages: number
  readonly maxPages: number | undefined
  readonly shared: boolean
}

export interface ModuleFacts {
  readonly kind: ModuleKind
  /** `module.name` of each import; of a component the names of interfaces. */
  readonly imports: readonly string[]
  readonly exports: readonly string[]
  /** The first that it imports, if any. */
  readonly memory?: ImportedMemory | undefined
}

const NOTHING = { imports: [], exports: [] } as const
const MAGIC = 0x6d73_6100
const MODULE_VERSION = 1
const COMPONENT_VERSION = 0x0001_000d
/** `(`, or `;;` of a comment. */
const isText = (bytes: Buffer): boolean => /^\s*(?:\(|;;)/.test(bytes.toString('latin1', 0, 64))

/** By its first eight bytes. */
export function isComponent(head: Buffer): boolean {
  return head.length >= 8 && head.readUInt32LE(0) === MAGIC && head.readUInt32LE(4) === COMPONENT_VERSION
}

/** Compiles nothing: any bytes are safe to ask about. */
export function readModuleFacts(bytes: Buffer): ModuleFacts {
  if (bytes.length < 8 || bytes.readUInt32LE(0) !== MAGIC)
    return { kind: isText(bytes) ? 'text' : 'unknown', ...NOTHING }
  const version = bytes.readUInt32LE(4)
  try {
    if (isComponent(bytes)) return { kind: 'component', ...readComponentFacts(bytes) }
    if (version === MODULE_VERSION) return readSections(bytes)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error // cut or damaged
  }
  return { kind: 'unknown', ...NOTHING }
}

function readSections(bytes: Buffer): ModuleFacts {
  let imports: readonly string[] = []
  let memory: ImportedMemory | undefined
  let exports: readonly string[] = []
  let bodies = 0
  readEachSection(bytes, ({ id, reader }) => {
    if (id === IMPORT_SECTION) ({ imports, memory } = readImports(reader))
    if (id === FUNCTION_SECTION) bodies += reader.number()
    if (id === EXPORT_SECTION) exports = readExports(reader)
    if (id === CODE_SECTION) bodies -= reader.number()
  })
  if (bodies !== 0) throw new RangeError('functions lack their code')
  return { kind: kindOf(imports, exports), imports, exports, ...(memory !== undefined && { memory }) }
}

function kindOf(imports: readonly string[], exports: readonly string[]): ModuleKind {
  if (imports.includes('wasi.thread-spawn')) return 'threads'
  if (imports.some((name) => name.startsWith('wasi_unstable.'))) return 'preview0'
  return exports.includes('_start') ? 'command' : 'reactor'
}

const IMPORT_SECTION = 2
const FUNCTION_SECTION = 3
const EXPORT_SECTION = 7
const CODE_SECTION = 10

function readImports(reader: BinaryReader): Pick<ModuleFacts, 'imports' | 'memory'> {
  let memory: ImportedMemory | undefined
  const imports = times(reader.number(), () => {
    const [module, name] = [reader.name(), reader.name()]
    const limits = readImportType(reader)
    if (limits !== undefined) memory ??= { module, name, ...limits }
    return `${module}.${name}`
  })
  return { imports, memory }
}

type Limits = Pick<ImportedMemory, 'minPages' | 'maxPages' | 'shared'>

/** Function: a type index; table: a type and limits; memory: limits; global: a type and mutability; tag: 0 and an index. */
function readImportType(reader: BinaryReader): Limits | undefined {
  const kind = reader.byte()
  if (kind === 2) return readLimits(reader)
  if (kind === 0) reader.number()
  else if (kind === 1) {
    reader.byte()
    readLimits(reader)
  } else if (kind === 3 || kind === 4) {
    reader.number()
    reader.number()
  } else throw new RangeError('an import of no known kind')
  return undefined
}

function readLimits(reader: BinaryReader): Limits {
  const flags = reader.byte()
  const minPages = reader.number()
  return { minPages, maxPages: (flags & 1) === 0 ? undefined : reader.number(), shared: (flags & 2) !== 0 }
}

function readExports(reader: BinaryReader): string[] {
  return times(reader.number(), () => {
    const name = reader.name()
    reader.byte()
    reader.number()
    return name
  })
}
