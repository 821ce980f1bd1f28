/** Lists of what is in an image, made by an image for that (buildkit, docs/attestations/sbom-protocol.md). */
import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { runStep } from '../../containers/step.ts'
import type { BaseImage, BuildStore, StackedLayer } from '../../images/building.ts'
import type { MountSpec } from '../../oci/runtime-spec.ts'
import { DEFAULT_PATH, HOSTNAME } from '../defaults.ts'
import { GeneratorFailed } from '../errors.ts'
import type { Progress } from '../progress.ts'
import type { BuildRoom } from '../room.ts'
import { freshDirectory, makeScratch } from '../scratch.ts'
import { overlayMount } from '../steps/mounts.ts'

/** What the generator is told. */
const SOURCE = '/run/src/core/sbom'
const DESTINATION = '/run/out'
/** All together: they are held in memory. */
const MAX_BYTES = 64 << 20
const MAX_DOCUMENTS = 100

export interface Scanning {
  readonly room: BuildRoom
  readonly store: BuildStore
  readonly progress: Progress
  readonly signal: AbortSignal
  /** As the user named it. */
  readonly name: string
  readonly generator: BaseImage
}

export interface Listed {
  readonly document: object
  readonly fileName: string
}

/**
 * Runs the generator without a network; it sees the image and may write nothing but its result.
 *
 * @returns SPDX documents
 * @throws {GeneratorFailed}
 */
export async function scanLayers(scanning: Scanning, layers: readonly StackedLayer[]): Promise<readonly Listed[]> {
  const { room, store, progress, signal, name, generator } = scanning
  return progress.run(`generating sbom using ${name}`, async (vertex) => {
    await using scratch = makeScratch(room.paths)
    const at = (part: string) => join(scratch.path, part)
    freshDirectory(at('out'), 0o777)
    const { config = {} } = generator.config
    const argv = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])]
    if (argv.length === 0) throw new GeneratorFailed(`the SBOM generator ${name} names no program`)
    const env = [...(config.Env ?? []), `BUILDKIT_SCAN_SOURCE=${SOURCE}`, `BUILDKIT_SCAN_DESTINATION=${DESTINATION}`]
    const step = {
      lower: await store.directories(generator.layers),
      platform: generator.platform,
      argv,
      env: env.some((entry) => entry.startsWith('PATH=')) ? env : [`PATH=${DEFAULT_PATH}`, ...env],
      user: config.User ?? '',
      directory: config.WorkingDir || '/',
      hostname: HOSTNAME,
      network: 'none' as const,
      privileged: false,
      flags: {},
      mounts: [await sourceMount(store, layers, at), bind(at('out'), DESTINATION, [])],
      onOutput: vertex.output,
      signal,
    }
    return await runStep(room, step, async ({ status }) => {
      if (status !== 0) throw new GeneratorFailed(`the SBOM generator ${name} failed: exit code: ${status}`)
      return readDocuments(at('out'), name)
    })
  })
}

async function sourceMount(
  store: BuildStore,
  layers: readonly StackedLayer[],
  at: (part: string) => string,
): Promise<MountSpec> {
  for (const part of ['upper', 'work']) freshDirectory(at(part), 0o755)
  if (layers.length === 0) return bind(at('upper'), SOURCE, ['ro'])
  const writable = { upper: at('upper'), work: at('work') }
  return overlayMount(SOURCE, await store.directories(layers), { ...writable, readOnly: true })
}

function bind(source: string, destination: string, options: readonly string[]): MountSpec {
  return { destination, type: 'bind', source, options: ['rbind', 'rprivate', ...options] }
}

function readDocuments(directory: string, name: string): readonly Listed[] {
  const files = readdirSync(directory).filter((file) => file.endsWith('.spdx.json'))
  // The image itself first, as BuildKit has it.
  const main = `${basename(SOURCE)}.spdx.json`
  const sorted = files.toSorted((one, other) => Number(other === main) - Number(one === main) || (one < other ? -1 : 1))
  if (sorted.length === 0) throw new GeneratorFailed(`the SBOM generator ${name} wrote no *.spdx.json`)
  if (sorted.length > MAX_DOCUMENTS)
    throw new GeneratorFailed(`the SBOM generator ${name} wrote ${sorted.length} documents: ${MAX_DOCUMENTS} are taken`)
  let leftBytes = MAX_BYTES
  return sorted.map((file) => {
    const what = `${file} of the SBOM generator ${name}`
    const { document, sizeBytes } = readDocument(join(directory, file), { what, leftBytes })
    leftBytes -= sizeBytes
    return { document, fileName: file }
  })
}

/** A link would be followed on this host, and a pipe waited for. */
function readDocument(
  path: string,
  { what, leftBytes }: { readonly what: string; readonly leftBytes: number },
): { readonly document: object; readonly sizeBytes: number } {
  let file: number
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (cause) {
    throw new GeneratorFailed(`${what} cannot be read`, { cause })
  }
  try {
    const stats = fstatSync(file)
    if (!stats.isFile()) throw new GeneratorFailed(`${what} is no file`)
    if (stats.size > leftBytes) throw new GeneratorFailed(`${what} is too large: 64 MiB are taken in all`)
    const document: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof document === 'object' && document !== null && !Array.isArray(document))
      return { document, sizeBytes: stats.size }
    throw new GeneratorFailed(`${what} is no JSON object`)
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new GeneratorFailed(`${what} is no JSON`, { cause })
    throw cause
  } finally {
    closeSync(file)
  }
}
