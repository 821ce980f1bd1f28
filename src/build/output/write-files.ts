/** `type=local` and `type=tar`: the files of an image without the image, and beside them what was asked to be told of them. */
import { join } from 'node:path'
import { tarSink } from '../../archive/tar-sink.ts'
import { applySink } from '../../archive/tree-sinks.ts'
import { InvalidArgument } from '../../errors.ts'
import type { StackedLayer } from '../../images/building.ts'
import { formatPlatform } from '../../images/platform.ts'
import { type ByteString, openApplier } from '../../linux/apply.ts'
import { readMerged, type TreeSink } from '../../linux/archive.ts'
import { userIdMaps } from '../../linux/id-mappings.ts'
import { makeDirectories } from '../../util/make-directories.ts'
import type { Predicate } from '../attest/attach.ts'
import { hostPath } from '../parse-request.ts'
import { writing } from './destination.ts'
import type { FilesOutput } from './parse.ts'
import { addFile, statementFiles, subjectSink } from './statements.ts'
import type { Built, WriteOptions } from './write.ts'

/** The files of a platform. */
interface Part {
  readonly layers: readonly StackedLayer[]
  /** The directory that is for them: empty where all go to one. */
  readonly directory: string
  readonly predicates: readonly Predicate[]
  /** Of a file that tells of them: its name, by that of the predicate. */
  readonly nameOf: (fileName: string) => string
}

/** By platform as buildx names them: `linux_arm64`, `linux_arm_v7`. What fails does so before anything is written. */
async function partsOf({ targets, isMap, attesting }: Built, output: FilesOutput): Promise<readonly Part[]> {
  const parts: Part[] = []
  for (const target of targets) {
    const platform = formatPlatform(target.platform).replaceAll('/', '_')
    const { attestationPrefix = '', split } = output
    const nameOf = (fileName: string) => {
      const name = `${attestationPrefix}${fileName}`
      return isMap && !split ? name.replace(/(\.[^.]*)?$/, `.${platform}$1`) : name
    }
    const predicates = (await attesting.files?.(target)) ?? []
    parts.push({ layers: target.layers, directory: isMap && split ? platform : '', predicates, nameOf })
  }
  return parts
}

export async function writeTar(options: WriteOptions, built: Built, output: FilesOutput): Promise<undefined> {
  const { progress, stdout } = options
  await progress.run('exporting to client tarball', async () => {
    const parts = await partsOf(built, output)
    await writing(stdout, output.dest, async (stream) => {
      let directory = ''
      const sink = tarSink(stream, { place: (path) => below(directory, path) })
      for (const part of parts) {
        directory = part.directory
        await writePart(part, sink, options)
      }
      await sink.finish()
    })
  })
}

/** The root of an archive has no entry. */
function below(prefix: string, path: ByteString): ByteString | undefined {
  return [prefix, path].filter((part) => part !== '').join('/') || undefined
}

/** Owners are kept where root writes; what is there already is written over. */
export async function writeDirectory(options: WriteOptions, built: Built, output: FilesOutput): Promise<undefined> {
  await options.progress.run('exporting to client directory', async () => {
    for (const part of await partsOf(built, output)) {
      const directory = join(hostPath(output.dest), part.directory)
      makeDirectory(directory)
      await writeTree(part, directory, options)
    }
  })
}

function makeDirectory(path: string): void {
  try {
    makeDirectories(path)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const reason = code === 'EEXIST' || code === 'ENOTDIR' ? 'a file is in the way' : message
    throw new InvalidArgument(`cannot make the directory ${path}: ${reason}`, { cause: error })
  }
}

async function writeTree(part: Part, directory: string, options: WriteOptions): Promise<void> {
  await using applier = openApplier(directory)
  applier.merge()
  const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  const attributes = (entry: { uid: number; gid: number; mode: number }) =>
    userIdMaps() === undefined ? entry : { ...own, mode: entry.mode }
  const place = (path: ByteString) => (path === '' ? undefined : path)
  await writePart(part, applySink(applier, { place, attributes, keepXattr: () => true }), options)
  await applier.finish()
}

async function writePart(
  { layers, predicates, nameOf }: Part,
  sink: TreeSink,
  { store, signal, epoch }: WriteOptions,
): Promise<void> {
  const lower = await store.directories(layers)
  const idMaps = userIdMaps()
  if (predicates.length === 0) {
    if (lower.length > 0) await readMerged(lower, { idMaps, sink, signal })
    return
  }
  const told = subjectSink(sink)
  if (lower.length > 0) await readMerged(lower, { idMaps, sink: told.sink, signal })
  const mtimeSeconds = epoch ?? Math.floor(Date.now() / 1000)
  for (const file of statementFiles(predicates, { subjects: told.subjects(), nameOf })) {
    addFile(sink, { ...file, mtimeSeconds })
    await sink.flush()
  }
}
