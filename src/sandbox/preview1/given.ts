/** What a module holds when it begins: its streams, sockets that listen, and directories. */
import { openIdleLine, openLine } from '../sockets/line.ts'
import { ALL_RIGHTS, DIRECTORY_RIGHTS, FILE_TYPE, LISTENER_RIGHTS, RIGHT, SOCKET_RIGHTS, STREAM_RIGHTS } from './abi.ts'
import { type Descriptors, newDescriptor, openDescriptors } from './descriptors.ts'
import { ERRNO, type ErrnoName, Refusal } from './errno.ts'
import type { Directory } from './files.ts'
import { openListener } from './sockets.ts'
import { isSeekableDevice, openStream, type StreamOptions } from './streams.ts'
import { isTerminal } from './terminal.ts'

export interface Preopen {
  /** As the module knows it, such as `/data`. */
  readonly name: string
  /** Closed when the module has ended. */
  readonly directory: Directory
  /** Where absolute links below it lead, such as itself in an image; without it they lead nowhere. */
  readonly linkRoot?: Directory
}

export interface GivenOptions {
  /** After the sockets, in this order. */
  readonly preopens: readonly Preopen[]
  /** Ports of TCP on which the module listens: from descriptor 3 on, in this order. */
  readonly listens?: readonly number[]
  /** Whether calls may wait; otherwise they throw `WouldWait`. */
  readonly waits?: boolean
}

export interface Given {
  readonly descriptors: Descriptors
  /** What was sent has left when it resolves. */
  close(): Promise<void>
}

/** @throws {ModuleUnsupported} a port cannot be listened on */
export async function openGiven({ preopens, listens = [], waits = true }: GivenOptions): Promise<Given> {
  const fail = (code: string) => new Refusal(Object.hasOwn(ERRNO, code) ? (code as ErrnoName) : 'EIO')
  let line = listens.length === 0 ? undefined : await openLine({ ports: listens, fail, waits })
  const descriptors = openDescriptors()
  giveStreams(descriptors, {
    waits,
    openLine: () => {
      line ??= openIdleLine({ fail, waits })
      return line
    },
  })
  for (const [number, port] of listens.entries()) {
    if (line === undefined) break
    const given = { rights: LISTENER_RIGHTS, inheriting: SOCKET_RIGHTS, preopen: String(port) }
    descriptors.add(newDescriptor(openListener(line, number), FILE_TYPE.socketStream, given))
  }
  giveDirectories(descriptors, preopens)
  return {
    descriptors,
    close: async () => {
      descriptors.closeAll()
      await line?.close()
    },
  }
}

const SEEKS = RIGHT.fdSeek | RIGHT.fdTell
const STREAMS = [RIGHT.fdRead, RIGHT.fdWrite, RIGHT.fdWrite]

function giveStreams(descriptors: Descriptors, options: StreamOptions): void {
  for (const [fd, direction] of STREAMS.entries()) {
    const open = openStream(fd, options)
    const { type } = open.status()
    const seekable = type === FILE_TYPE.characterDevice && isSeekableDevice(open, isTerminal(fd)) ? SEEKS : 0
    const rights = (STREAM_RIGHTS & ~(RIGHT.fdRead | RIGHT.fdWrite)) | direction | seekable
    descriptors.add(newDescriptor(open, type, { rights, inheriting: 0 }))
  }
}

function giveDirectories(descriptors: Descriptors, preopens: readonly Preopen[]): void {
  for (const { name, directory, linkRoot } of preopens)
    descriptors.add(
      newDescriptor(directory, FILE_TYPE.directory, {
        rights: DIRECTORY_RIGHTS,
        inheriting: ALL_RIGHTS,
        preopen: name,
        linkRoot,
      }),
    )
}
