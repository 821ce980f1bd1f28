/**
 * What a component asks for and offers, by the names of its top-level imports and exports (component model, Binary.md).
 * What is inside of it is not looked at.
 */
import { type BinaryReader, readEachSection, times } from './binary-reader.ts'

export interface ComponentFacts {
  /** `wasi:cli/stdout@0.2.3`; plain names for what is no interface. */
  readonly imports: readonly string[]
  readonly exports: readonly string[]
}

const IMPORT_SECTION = 10
const EXPORT_SECTION = 11

/** @throws {RangeError} the bytes are cut or damaged */
export function readComponentFacts(bytes: Buffer): ComponentFacts {
  const imports: string[] = []
  const exports: string[] = []
  readEachSection(bytes, ({ id, reader }) => {
    if (id === IMPORT_SECTION) imports.push(...times(reader.number(), () => readImport(reader)))
    if (id === EXPORT_SECTION) exports.push(...times(reader.number(), () => readExport(reader)))
  })
  return { imports, exports }
}

/** Does a name of the facts stand for this interface, in a version of WASI 0.2? `wasi:cli/run` */
export function isPreview2(name: string, wanted: string): boolean {
  return name.startsWith(`${wanted}@0.2.`)
}

function readImport(reader: BinaryReader): string {
  const name = readName(reader)
  skipType(reader)
  return name
}

/** name, sort, index, perhaps a type */
function readExport(reader: BinaryReader): string {
  const name = readName(reader)
  if (reader.byte() === CORE) reader.byte()
  reader.number()
  if (reader.byte() === 1) skipType(reader)
  return name
}

/** Plain or with a version; a third form has options, each a text. */
function readName(reader: BinaryReader): string {
  const form = reader.byte()
  if (form > 2) throw new RangeError('a name of no known kind')
  const name = reader.name()
  if (form === 2)
    times(reader.number(), () => {
      reader.byte()
      reader.name()
    })
  return name
}

const CORE = 0
const [VALUE, TYPE] = [2, 3]

/** A kind and an index; core kinds, bounds of types and of values take one byte more. */
function skipType(reader: BinaryReader): void {
  const kind = reader.byte()
  if (kind === CORE) reader.byte()
  // `sub resource` has no index behind it.
  if ((kind === VALUE || kind === TYPE) && reader.byte() === 1 && kind === TYPE) return
  reader.number()
}
