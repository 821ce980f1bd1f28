/** Runs a module on our own wasi_snapshot_preview1: it sees its streams, and of files what it is given, live and on disk. */
import { isatty } from 'node:tty'
import { compileModule, type Ending, entryOf, instantiateModule, noMemory, trapName, usesPreview1 } from '../engine.ts'
import type { FoundModule } from '../find-module.ts'
import { type Line, openLine } from '../sockets/line.ts'
import { ALL_RIGHTS, DIRECTORY_RIGHTS, FILE_TYPE, LISTENER_RIGHTS, RIGHT, SOCKET_RIGHTS, STREAM_RIGHTS } from './abi.ts'
import { type Clocks, hostClocks } from './clocks.ts'
import { type Context, ModuleExit } from './context.ts'
import { type Descriptors, newDescriptor, openDescriptors } from './descriptors.ts'
import { Refusal } from './errno.ts'
import type { Directory } from './files.ts'
import { preview1Functions } from './functions.ts'
import { openMemory } from './memory.ts'
import { type Random, systemRandom } from './random.ts'
import { openListener } from './sockets.ts'
import { isSeekableDevice, openStream } from './streams.ts'

export interface Preopen {
  /** As the module knows it, such as `/data`. */
  readonly name: string
  /** Closed when the module has ended. */
  readonly directory: Directory
  /** Whether absolute links below it lead to it itself, as in an image; otherwise they lead nowhere. */
  readonly isRoot?: boolean
}

export interface Preview1Options {
  readonly args: readonly string[]
  /** `NAME=value`. */
  readonly env: readonly string[]
  /** From descriptor 3 on, in this order. */
  readonly preopens: readonly Preopen[]
  /** Ports of TCP on which the module listens: descriptors before the directories, in this order. */
  readonly listens?: readonly number[]
  readonly clocks?: Clocks
  readonly random?: Random
}

/** @throws {ModuleInvalid} it does not compile @throws {ModuleUnsupported} it wants what this engine does not give */
export async function runOnPreview1(found: FoundModule, options: Preview1Options): Promise<Ending> {
  const module = await compileModule(found)
  const { listens = [] } = options
  const line = listens.length === 0 ? undefined : await openLine({ ports: listens, fail: (code) => new Refusal(code) })
  const descriptors = giveDescriptors(options.preopens, listens, line)
  try {
    let memory: WebAssembly.Memory | undefined
    const context: Context = {
      memory: openMemory(() => (memory ?? noMemory()).buffer),
      descriptors,
      clocks: options.clocks ?? hostClocks(),
      random: options.random ?? systemRandom,
      args: options.args,
      env: options.env,
    }
    const imports = usesPreview1(module) ? { wasi_snapshot_preview1: preview1Functions(context) } : {}
    const instance = await instantiateModule(module, imports)
    memory = instance.exports['memory'] as WebAssembly.Memory | undefined
    const entry = entryOf(instance, found)
    const initialize = instance.exports['_initialize'] // of a library: before anything else in it is called
    return call(typeof initialize === 'function' && initialize !== entry ? () => [initialize(), entry()] : entry)
  } finally {
    descriptors.closeAll()
    await line?.close()
  }
}

function call(entry: () => unknown): Ending {
  try {
    entry()
    return { status: 0 }
  } catch (error) {
    if (error instanceof ModuleExit) return { status: error.status & 0xff }
    return { trap: trapName(error) }
  }
}

const STREAMS = [RIGHT.fdRead, RIGHT.fdWrite, RIGHT.fdWrite]

function giveDescriptors(
  preopens: readonly Preopen[],
  listens: readonly number[],
  line: Line | undefined,
): Descriptors {
  const descriptors = openDescriptors()
  for (const [fd, direction] of STREAMS.entries()) {
    const open = openStream(fd)
    const seekable = isSeekableDevice(open, isatty(fd)) ? RIGHT.fdSeek | RIGHT.fdTell : 0n
    const rights = (STREAM_RIGHTS & ~(RIGHT.fdRead | RIGHT.fdWrite)) | direction | seekable
    descriptors.add(newDescriptor(open, open.status().type, { rights, inheriting: 0n }))
  }
  if (line !== undefined)
    for (const [number, port] of listens.entries()) {
      const open = openListener(line, number)
      const given = { rights: LISTENER_RIGHTS, inheriting: SOCKET_RIGHTS, preopen: String(port) }
      descriptors.add(newDescriptor(open, FILE_TYPE.socketStream, given))
    }
  for (const { name, directory, isRoot = false } of preopens)
    descriptors.add(
      newDescriptor(directory, FILE_TYPE.directory, {
        rights: DIRECTORY_RIGHTS,
        inheriting: ALL_RIGHTS,
        preopen: name,
        linkRoot: isRoot ? directory : undefined,
      }),
    )
  return descriptors
}
