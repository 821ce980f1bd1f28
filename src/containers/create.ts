/** `create`, and the first half of `run`: a record, directories, a bundle; nothing runs. */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { Cancelled, CoracleError, InvalidArgument } from '../errors.ts'
import type { RuntimeSpec } from '../oci/runtime-spec.ts'
import { writeBundle } from './bundle.ts'
import { makeDirectories } from './directories.ts'
import { type Draft, draftContainer } from './draft.ts'
import { RunFailed } from './errors.ts'
import { discardContainer } from './finish.ts'
import { obtainImage } from './obtain-image.ts'
import { parseRunRequest } from './parse/run-request.ts'
import { changeRecord, insertRecord } from './records.ts'
import type { ContainerRoom } from './room.ts'
import type { BundleDirectories } from './start.ts'
import type { RunIO, RunRequest } from './types.ts'
import { attachVolumes } from './volumes.ts'
import { withVolumesFrom } from './volumes-from.ts'

export type CreateIO = Pick<RunIO, 'stderr' | 'openTransfer' | 'ask'>

export interface DraftOptions {
  readonly io: CreateIO
  readonly signal: AbortSignal
}

/** Settings and image brought together; the image is pulled when the policy says so. */
export async function makeDraft(
  room: ContainerRoom,
  request: RunRequest,
  { io, signal }: DraftOptions,
): Promise<Draft> {
  const settings = parseRunRequest(request)
  const { ContainerIDFile: cidfile } = settings.host
  if (cidfile !== '' && existsSync(cidfile))
    throw new InvalidArgument(
      `container ID file found, make sure the other container isn't running or delete ${cidfile}`,
    )
  const source = await obtainImage(room, request.image, {
    settings,
    openTransfer: io.openTransfer,
    signal,
    say: (line) => io.stderr.write(`${line}\n`),
  })
  return draftContainer(room, withVolumesFrom(room, settings), { source, ask: io.ask })
}

export interface Made {
  readonly name: string
  readonly directories: BundleDirectories
  readonly spec: RuntimeSpec
}

/** Record first, so that whatever a crash leaves on disk has a name. After a failure nothing is left. */
export async function createContainer(room: ContainerRoom, draft: Draft): Promise<Made> {
  const { id, settings, imageName, source } = draft
  const name = insertRecord(room.database, {
    id,
    name: draft.name,
    image: source.id,
    imageName,
    backend: draft.backendName,
    settings,
  })
  const cidfile = settings.host.ContainerIDFile
  try {
    const directories = makeDirectories(room.paths, id, source)
    await attachVolumes(room, draft, directories.rootfs)
    const spec = await writeBundle(room, draft, directories)
    if (cidfile !== '') writeFileSync(cidfile, id, { flag: 'wx' })
    return { name, directories, spec }
  } catch (error) {
    await discardContainer(room, draft, { volumes: true })
    throw error
  }
}

/** What `run` leaves of a container that could not be started: docker keeps it, unless it was to go away by itself. */
export async function discardFailed(room: ContainerRoom, draft: Draft): Promise<void> {
  const { AutoRemove, ContainerIDFile } = draft.settings.host
  if (!AutoRemove) return
  await discardContainer(room, draft)
  if (ContainerIDFile !== '') rmSync(ContainerIDFile, { force: true })
}

/** See `ContainerEngine.create`. */
export async function createOnly(room: ContainerRoom, request: RunRequest, io: CreateIO): Promise<string> {
  const abort = new AbortController()
  const interrupt = () => abort.abort()
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  try {
    const draft = await makeDraft(room, request, { io, signal: abort.signal })
    abort.signal.throwIfAborted()
    await createContainer(room, draft)
    changeRecord(room.database, draft.id, { owner: undefined })
    return draft.id
  } catch (error) {
    if (abort.signal.aborted) throw new Cancelled({ cause: error })
    throw error instanceof CoracleError ? new RunFailed(error) : error
  } finally {
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
  }
}
