/** `wasm pack`: from a file and flags to an image of the store. */
import { basename } from 'node:path'
import { keyValues, parseEnvironment } from '../../containers/parse/environment.ts'
import { PERMISSIONS_LABEL, readWishes } from '../../containers/wishes.ts'
import { CoracleError, InvalidArgument } from '../../errors.ts'
import { applyChanges } from '../../images/changes.ts'
import type { PackedArtifact, PackedImage } from '../../images/pack.ts'
import type { ImageStore } from '../../images/types.ts'
import type { ImageProcessConfig } from '../../oci/descriptor.ts'
import { parseMoment } from '../../util/moment.ts'
import { extraFiles } from './extra-files.ts'
import { type Program, readProgram } from './read-program.ts'
import type { PackedProgram, PackFlags } from './types.ts'

/** Where a program that serves HTTP listens. */
const HTTP_PORT = '8080/tcp'

/** See `WasmEngine.pack`. */
export async function packProgram(images: ImageStore, path: string, flags: PackFlags): Promise<PackedProgram> {
  const program = readProgram(path)
  const wishes = permissions(flags.permission ?? [])
  const annotations = keyValues(flags.annotation ?? [], 'annotation')
  const shared = { references: flags.tag ?? [], created: createdAt(flags.created) }
  const id =
    flags.artifact === true
      ? await images.pack({
          ...shared,
          annotations: { ...annotations, ...wishes },
          content: artifactOf(program, flags),
        })
      : await images.pack({ ...shared, annotations, content: imageOf(path, program, { flags, wishes }) })
  return { id, what: program.what }
}

const OF_IMAGES = ['entrypoint', 'arg', 'env', 'label', 'file', 'expose'] as const

function artifactOf({ bytes, facts }: Program, flags: PackFlags): PackedArtifact {
  const useless = OF_IMAGES.find((name) => (flags[name] ?? []).length > 0)
  if (useless !== undefined)
    throw new InvalidArgument(`an artifact is the program alone: --${useless} has no place in it`, {
      hint: 'leave out --artifact, or use --annotation',
    })
  const { kind, imports, exports } = facts
  return { kind: 'artifact', bytes, ...(kind === 'component' && { component: { imports, exports } }) }
}

interface Wanted {
  readonly flags: PackFlags
  readonly wishes: Readonly<Record<string, string>>
}

function imageOf(path: string, program: Program, { flags, wishes }: Wanted): PackedImage {
  const name = /^[\w+-][\w.+-]*$/.test(basename(path)) ? basename(path) : 'app.wasm'
  const entrypoint = flags.entrypoint ?? `/${name}`
  if (program.library !== undefined && !entrypoint.includes('#'))
    throw new InvalidArgument(`${path}: ${program.library}`, {
      hint: 'name a function with --entrypoint path#function, or pack it with --artifact',
    })
  const { bytes } = program
  const files = [
    { path: name, sizeBytes: bytes.byteLength, mode: 0o755, open: () => [bytes] },
    ...extraFiles(flags.file ?? []),
  ]
  const twice = files.find((file, index) => files.findIndex((other) => other.path === file.path) !== index)
  if (twice !== undefined) throw new InvalidArgument(`/${twice.path} would be in the image twice`)
  const ports = [...(program.isProxy ? [HTTP_PORT] : []), ...(flags.expose ?? [])]
  const labels = { ...keyValues(flags.label ?? [], 'label'), ...wishes }
  const env = parseEnvironment(flags.env ?? [], [])
  const config: ImageProcessConfig = {
    Entrypoint: [entrypoint],
    ...(flags.arg !== undefined && flags.arg.length > 0 && { Cmd: flags.arg }),
    ...(env.length > 0 && { Env: env }),
    ...(Object.keys(labels).length > 0 && { Labels: labels }),
  }
  const exposed = ports.length === 0 ? config : applyChanges(config, [`EXPOSE ${ports.join(' ')}`])
  return { kind: 'image', files, config: exposed }
}

/** What the program would like to be allowed; whoever runs it decides. @throws {InvalidArgument} a word that nobody could grant */
function permissions(words: readonly string[]): Record<string, string> {
  for (const word of words) checkPermission(word)
  return words.length === 0 ? {} : { [PERMISSIONS_LABEL]: words.join(' ') }
}

function checkPermission(word: string): void {
  try {
    if (word.length > 0 && !/\s/.test(word)) return void readWishes(word)
  } catch (error) {
    if (!(error instanceof CoracleError)) throw error
  }
  throw new InvalidArgument(`invalid --permission ${JSON.stringify(word)}`, {
    hint: 'write read=/PATH, write=/PATH, net=HOST:PORT or env=NAME',
  })
}

/** `--created`, `SOURCE_DATE_EPOCH` (reproducible-builds.org: seconds), or now. */
function createdAt(flag: string | undefined): string {
  const epoch = process.env['SOURCE_DATE_EPOCH']
  const [text, name] = flag === undefined ? [epoch, 'SOURCE_DATE_EPOCH'] : [flag, 'created']
  if (text === undefined || text === '') return new Date().toISOString()
  const date = new Date(parseMoment(text, name))
  if (Number.isNaN(date.getTime())) throw new InvalidArgument(`invalid value for "${name}": ${JSON.stringify(text)}`)
  return date.toISOString().replace('.000Z', 'Z')
}
