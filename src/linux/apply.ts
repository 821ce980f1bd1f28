/** File-system steps carried out below one directory by the native program (native/apply.c). */
import type { Readable, Writable } from 'node:stream'
import { encodeIdMaps } from './encode-plan.ts'
import { ApplyFailed } from './errors.ts'
import { type NativeBuild, startJob } from './native-job.ts'
import type { HostStep } from './plan.ts'
import { ATTRIBUTE_BYTES, type NodeAttributes, StepWriter, stringBytes } from './step-writer.ts'
import { WireWriter } from './wire-writer.ts'

export type { NodeAttributes } from './step-writer.ts'

/** A file name as the kernel has it: a character for each byte (`latin1`), never a NUL. */
export type ByteString = string

/** By which it is seen that a file has changed. */
export interface FileState {
  readonly sizeBytes: number
  readonly mtimeSeconds: number
  readonly mtimeNanoseconds: number
  readonly ctimeSeconds: number
  readonly ctimeNanoseconds: number
}

export const byteString = (text: string): ByteString => Buffer.from(text).toString('latin1')

/** Paths are relative to the directory; whatever symlinks they lead through, nothing outside of it is touched. */
export interface Applier extends AsyncDisposable {
  directory(path: ByteString, attributes: NodeAttributes): void
  /**
   * A regular file of the directory `source`, with its content, by reference where the file system can; followed by
   * `xattr`. Nothing where no such file is any more, or something else.
   *
   * @param state - of the file when it was last looked at: `finish` tells when it has changed until its content was read
   */
  clone(path: ByteString, source: ByteString, state: FileState & NodeAttributes): void
  /** Followed by `data` and `hole`, then `xattr`, then `end`. */
  file(path: ByteString, attributes: NodeAttributes, sizeBytes: number): void
  /** Not copied: the chunk must stay as it is until `flush` has resolved and the one after it. */
  data(chunk: Uint8Array): void
  hole(sizeBytes: number): void
  end(): void
  symlink(path: ByteString, target: ByteString, attributes: NodeAttributes): void
  hardLink(path: ByteString, target: ByteString): void
  node(path: ByteString, attributes: NodeAttributes, device: { readonly major: number; readonly minor: number }): void
  /** Hides what lower layers have there; `opaque` is the attribute that does so for a directory. */
  whiteout(path: ByteString, opaque: string): void
  /** Hides what lower layers have in the directory, which is made where it is missing. */
  opaque(path: ByteString, opaque: string): void
  /** Removes it with all that is in it, however deep, but for what is mounted there; missing is fine. */
  remove(path: ByteString): void
  /** From now on no directory makes way for anything else, nor anything else for a directory: `EISDIR`, `ENOTDIR`. */
  merge(): void
  /** Asks the file system to put directories made in this one far from each other. A mere hint. */
  spread(): void
  /** Of the file being written, else of the last entry. */
  xattr(name: ByteString, value: Uint8Array): void
  /** Hands what is queued to the native side, and waits while it is far behind. @throws as `finish` */
  flush(): Promise<void>
  /**
   * Sets the times of directories and ends. Resolves when all of it is done.
   *
   * @returns false: a file that was cloned was not what its state said
   * @throws {ApplyFailed} a step failed; the message names it and its path
   */
  finish(): Promise<boolean>
}

export interface ApplyOptions {
  /** Ids of a user namespace to work in, when not root. */
  readonly idMaps?: Pick<Extract<HostStep, { do: 'map-ids' }>, 'uids' | 'gids' | 'helpers'> | undefined
  /** Where `clone` takes files from. */
  readonly source?: string | undefined
  readonly native?: NativeBuild | undefined
}

/** As in native/apply.h. */
const CODE = {
  userNamespace: 1,
  directory: 2,
  file: 3,
  hole: 5,
  end: 6,
  symlink: 7,
  hardLink: 8,
  node: 9,
  whiteout: 10,
  xattr: 11,
  finish: 12,
  remove: 13,
  opaque: 14,
  spread: 15,
  merge: 16,
  clone: 17,
} as const

/** What `clone` says of its source. */
const STATE_BYTES = 32

/** @param directory - exists; nothing outside of it is touched, whatever the paths say */
export function openApplier(directory: string, { idMaps, source, native: build }: ApplyOptions = {}): Applier {
  const directories = source === undefined ? [directory] : [directory, source]
  const native = startNative(directories, build)
  if (idMaps !== undefined) {
    const first = new WireWriter().record(CODE.userNamespace, (record) => encodeIdMaps(record, idMaps))
    void native.send([first.finish()], 0)
  }
  const writer = new StepWriter()
  const flush = () => {
    const { parts, sizeBytes } = writer.take()
    return native.send(parts, sizeBytes)
  }
  const begin = (code: number, path: ByteString, more: number) =>
    writer.begin(code, stringBytes(path) + more).string(path)
  return {
    directory: (path, attributes) => void begin(CODE.directory, path, ATTRIBUTE_BYTES).attributes(attributes),
    clone: (path, from, state) =>
      void begin(CODE.clone, path, stringBytes(from) + ATTRIBUTE_BYTES + STATE_BYTES)
        .string(from)
        .attributes(state)
        .i64(state.sizeBytes)
        .i64(state.mtimeSeconds)
        .u32(state.mtimeNanoseconds)
        .i64(state.ctimeSeconds)
        .u32(state.ctimeNanoseconds),
    file: (path, attributes, sizeBytes) =>
      void begin(CODE.file, path, ATTRIBUTE_BYTES + 8)
        .attributes(attributes)
        .i64(sizeBytes),
    data: (chunk) => writer.data(chunk),
    hole: (sizeBytes) => void writer.begin(CODE.hole, 8).i64(sizeBytes),
    end: () => void writer.begin(CODE.end, 0),
    symlink: (path, target, attributes) =>
      void begin(CODE.symlink, path, stringBytes(target) + ATTRIBUTE_BYTES)
        .string(target)
        .attributes(attributes),
    hardLink: (path, target) => void begin(CODE.hardLink, path, stringBytes(target)).string(target),
    node: (path, attributes, { major, minor }) =>
      void begin(CODE.node, path, ATTRIBUTE_BYTES + 8)
        .attributes(attributes)
        .u32(major)
        .u32(minor),
    whiteout: (path, opaque) => void begin(CODE.whiteout, path, stringBytes(opaque)).string(opaque),
    opaque: (path, opaque) => void begin(CODE.opaque, path, stringBytes(opaque)).string(opaque),
    remove: (path) => void begin(CODE.remove, path, 0),
    spread: () => void writer.begin(CODE.spread, 0),
    merge: () => void writer.begin(CODE.merge, 0),
    xattr: (name, value) => void begin(CODE.xattr, name, 4 + value.length).bytes(value),
    flush,
    finish: async () => {
      writer.begin(CODE.finish, 0)
      await flush()
      return native.end()
    },
    [Symbol.asyncDispose]: () => native.stop(),
  }
}

/** How far the native side may fall behind. */
const MAX_QUEUED_BYTES = 4 << 20

interface Native {
  /** Resolves when not too much is queued. */
  send(parts: readonly Uint8Array[], sizeBytes: number): Promise<void>
  /** @returns as `finish` */
  end(): Promise<boolean>
  /** Resolves when the process is gone. */
  stop(): Promise<void>
}

function startNative(directories: readonly string[], build: NativeBuild | undefined): Native {
  const { input, output, closed, cause } = startJob(['apply', ...directories], build)
  const outcome = readOutcome(output).then(async (result) => {
    if (!(result instanceof Error)) return result
    await closed
    return cause(result)
  })
  const failed = outcome.then((result) => {
    throw result instanceof Error ? result : new Error('the native program ended early')
  })
  failed.catch(() => {})
  let queuedBytes = 0
  let wake = () => {}
  const send = async (parts: readonly Uint8Array[], sizeBytes: number) => {
    if (parts.length === 0) return
    queuedBytes += sizeBytes
    writeAll(input, parts, () => {
      queuedBytes -= sizeBytes
      wake()
    })
    while (queuedBytes > MAX_QUEUED_BYTES) {
      const room = new Promise<void>((resolve) => {
        wake = resolve
      })
      await Promise.race([room, failed])
    }
  }
  return {
    send,
    end: async () => {
      input.end()
      const result = await outcome
      if (result instanceof Error) throw result
      return result
    },
    stop: async () => {
      input.destroy() // it ends when nothing more can come
      await closed
    },
  }
}

/** In one system call where the kernel takes so much. */
function writeAll(stream: Writable, parts: readonly Uint8Array[], onWritten: () => void): void {
  stream.cork()
  const last = parts.length - 1
  for (const [index, part] of parts.entries()) stream.write(part, index === last ? onWritten : undefined)
  stream.uncork()
}

/** `OK` or `CHANGED`, told apart as `finish` does, or `FAILED` with the failing step. */
async function readOutcome(stdout: Readable): Promise<Error | boolean> {
  let text = ''
  try {
    for await (const chunk of stdout.setEncoding('utf8')) text = (text + chunk).slice(0, 4096)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
  if (text === 'OK\n' || text === 'CHANGED\n') return text === 'OK\n'
  const [word, ...fields] = (text.split('\n')[0] ?? '').split('\t')
  return word === 'FAILED' ? new ApplyFailed(fields) : new Error(`the native program answered ${JSON.stringify(text)}`)
}
