/** Numbers of wasi_snapshot_preview1 (typenames.witx): file types, flags, rights. */

export const FILE_TYPE = {
  unknown: 0,
  blockDevice: 1,
  characterDevice: 2,
  directory: 3,
  regularFile: 4,
  socketDatagram: 5,
  socketStream: 6,
  symbolicLink: 7,
} as const

export type FileType = (typeof FILE_TYPE)[keyof typeof FILE_TYPE]

export const FD_FLAG = { append: 1, dsync: 2, nonblock: 4, rsync: 8, sync: 16 } as const
export const ALL_FD_FLAGS = 31

export const OPEN_FLAG = { create: 1, directory: 2, exclusive: 4, truncate: 8 } as const
export const ALL_OPEN_FLAGS = 15

export const TIME_FLAG = { accessed: 1, accessedNow: 2, modified: 4, modifiedNow: 8 } as const
export const ALL_TIME_FLAGS = 15

export const FOLLOW = 1
export const WHENCE = { set: 0, current: 1, end: 2 } as const
export const CLOCK = { realtime: 0, monotonic: 1, process: 2, thread: 3 } as const
export const EVENT = { clock: 0, read: 1, write: 2 } as const

const right = (bit: number): number => 1 << bit

export const RIGHT = {
  fdDatasync: right(0),
  fdRead: right(1),
  fdSeek: right(2),
  fdSetFlags: right(3),
  fdSync: right(4),
  fdTell: right(5),
  fdWrite: right(6),
  fdAdvise: right(7),
  fdAllocate: right(8),
  pathCreateDirectory: right(9),
  pathCreateFile: right(10),
  pathLinkSource: right(11),
  pathLinkTarget: right(12),
  pathOpen: right(13),
  fdReaddir: right(14),
  pathReadlink: right(15),
  pathRenameSource: right(16),
  pathRenameTarget: right(17),
  pathStat: right(18),
  pathSetSize: right(19),
  pathSetTimes: right(20),
  fdStat: right(21),
  fdSetSize: right(22),
  fdSetTimes: right(23),
  pathSymlink: right(24),
  pathRemoveDirectory: right(25),
  pathUnlinkFile: right(26),
  poll: right(27),
  sockShutdown: right(28),
  sockAccept: right(29),
} as const

export const ALL_RIGHTS = (1 << 30) - 1

/** Bits that preview 1 does not know mean nothing: some modules ask for all 64. */
export const knownRights = (asked: bigint): number => Number(BigInt.asUintN(30, asked))

const ANY_FILE = RIGHT.fdSync | RIGHT.fdDatasync | RIGHT.fdSetFlags | RIGHT.fdStat | RIGHT.poll

export const STREAM_RIGHTS = ANY_FILE | RIGHT.fdRead | RIGHT.fdWrite

export const FILE_RIGHTS =
  STREAM_RIGHTS | RIGHT.fdSeek | RIGHT.fdTell | RIGHT.fdAdvise | RIGHT.fdAllocate | RIGHT.fdSetSize | RIGHT.fdSetTimes

/** Of a connection. */
export const SOCKET_RIGHTS =
  RIGHT.fdRead | RIGHT.fdWrite | RIGHT.fdSetFlags | RIGHT.fdStat | RIGHT.poll | RIGHT.sockShutdown

export const LISTENER_RIGHTS = RIGHT.sockAccept | RIGHT.fdRead | RIGHT.fdSetFlags | RIGHT.fdStat | RIGHT.poll

const PATH_RIGHTS =
  RIGHT.pathCreateDirectory |
  RIGHT.pathCreateFile |
  RIGHT.pathLinkSource |
  RIGHT.pathLinkTarget |
  RIGHT.pathOpen |
  RIGHT.pathReadlink |
  RIGHT.pathRenameSource |
  RIGHT.pathRenameTarget |
  RIGHT.pathStat |
  RIGHT.pathSetSize |
  RIGHT.pathSetTimes |
  RIGHT.pathSymlink |
  RIGHT.pathRemoveDirectory |
  RIGHT.pathUnlinkFile

export const DIRECTORY_RIGHTS = ANY_FILE | PATH_RIGHTS | RIGHT.fdReaddir | RIGHT.fdSetTimes | RIGHT.fdAdvise
