/** File-system steps carried out below one directory by the native program (native/apply.c). */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { nativeProgram } from '../package-root.ts'
import { encodeIdMaps } from './encode-plan.ts'
import { launchError } from './errors.ts'
import type { HostStep } from './plan.ts'
import { WireWriter } from './wire-writer.ts'

export interface NodeAttributes {
  /** Permission bits; for device nodes the type as well. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** nanoseconds since the epoch */
  readonly mtimeNs: bigint
}

export interface Applier extends AsyncDisposable {
  directory(path: string, attributes: NodeAttributes): void
  /** Followed by `data` and `hole`, then `xattr`, then `end`. */
  file(path: string, attributes: NodeAttributes, sizeBytes: number): void
  data(chunk: Uint8Array): void
  hole(sizeBytes: number): void
  end(): void
  symlink(path: string, target: string, attributes: NodeAttributes): void
  hardLink(path: string, target: string): void
  node(path: string, attributes: NodeAttributes, device: { readonly major: number; readonly minor: number }): void
  whiteout(path: string): void
  /** Makes the directory where it is missing; attributes that follow are for it. */
  openDirectory(path: string): void
  /** Removes it with all that is in it; missing is fine. */
  remove(path: string): void
  /** Of the file being written, else of the last path named. */
  xattr(name: string, value: Uint8Array): void
  /** Hands what is queued to the native side, and waits while it is behind. @throws as `finish` */
  flush(): Promise<void>
  /**
   * Sets the times of directories and ends. Resolves when all of it is done.
   *
   * @throws {LaunchFailed} a step failed; the message names it and its path
   */
  finish(): Promise<void>
}

export interface ApplyOptions {
  /** Ids of a user namespace to work in, when not root. */
  readonly idMaps?: Pick<Extract<HostStep, { do: 'map-ids' }>, 'uids' | 'gids' | 'helpers'> | undefined
}

const CODE = {
  userNamespace: 1,
  directory: 2,
  file: 3,
  data: 4,
  hole: 5,
  end: 6,
  symlink: 7,
  hardLink: 8,
  node: 9,
  whiteout: 10,
  xattr: 11,
  finish: 12,
  remove: 13,
  openDirectory: 14,
} as const
const MAX_DATA_BYTES = 1 << 20

/** @param directory - exists; nothing outside of it is touched, whatever the paths say */
export function openApplier(directory: string, options: ApplyOptions = {}): Applier {
  const child = spawn(nativeProgram, ['apply', directory], { stdio: ['pipe', 'pipe', 'inherit'] })
  const outcome = readOutcome(child.stdout)
  const failed = outcome.then((error) => {
    throw error ?? new Error('the native program ended early')
  })
  failed.catch(() => {})
  child.once('error', (error) => child.stdout.destroy(error))
  child.stdin.on('error', () => {}) // EPIPE: its answer says why
  let writer = new WireWriter()
  const { idMaps } = options
  if (idMaps !== undefined) writer.record(CODE.userNamespace, (record) => encodeIdMaps(record, idMaps))
  const named = (code: number, path: string, attributes: NodeAttributes, more?: (record: WireWriter) => unknown) =>
    writer.record(code, (record) => {
      record.string(path)
      writeAttributes(record, attributes)
      more?.(record)
    })
  const flush = async () => {
    const bytes = writer.finish()
    writer = new WireWriter()
    if (bytes.length > 0 && !child.stdin.write(bytes)) await Promise.race([drained(child.stdin), failed])
  }
  return {
    directory: (path, attributes) => void named(CODE.directory, path, attributes),
    file: (path, attributes, sizeBytes) => void named(CODE.file, path, attributes, (record) => record.u64(sizeBytes)),
    data: (chunk) => {
      for (let at = 0; at < chunk.length; at += MAX_DATA_BYTES)
        writer.record(CODE.data, (record) => record.raw(chunk.subarray(at, at + MAX_DATA_BYTES)))
    },
    hole: (sizeBytes) => void writer.record(CODE.hole, (record) => record.u64(sizeBytes)),
    end: () => void writer.record(CODE.end, () => {}),
    symlink: (path, target, attributes) =>
      void writer.record(CODE.symlink, (record) => writeAttributes(record.string(path).string(target), attributes)),
    hardLink: (path, target) => void writer.record(CODE.hardLink, (record) => record.string(path).string(target)),
    node: (path, attributes, { major, minor }) =>
      void named(CODE.node, path, attributes, (record) => record.u32(major).u32(minor)),
    whiteout: (path) => void writer.record(CODE.whiteout, (record) => record.string(path)),
    openDirectory: (path) => void writer.record(CODE.openDirectory, (record) => record.string(path)),
    remove: (path) => void writer.record(CODE.remove, (record) => record.string(path)),
    xattr: (name, value) => void writer.record(CODE.xattr, (record) => record.string(name).bytes(value)),
    flush,
    finish: async () => {
      writer.record(CODE.finish, () => {})
      await flush()
      child.stdin.end()
      const error = await outcome
      if (error !== undefined) throw error
    },
    [Symbol.asyncDispose]: async () => {
      child.stdin.destroy()
      if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
    },
  }
}

function writeAttributes(record: WireWriter, { mode, uid, gid, mtimeNs }: NodeAttributes): void {
  const seconds = mtimeNs >= 0n ? mtimeNs / 1_000_000_000n : (mtimeNs - 999_999_999n) / 1_000_000_000n
  record
    .u32(mode)
    .u32(uid)
    .u32(gid)
    .u64(seconds)
    .u32(Number(mtimeNs - seconds * 1_000_000_000n))
}

/** Never rejects: a broken pipe means that the native side has an answer to give, which `failed` waits for. */
async function drained(stream: Writable): Promise<void> {
  await new Promise<void>((resolve) => stream.once('drain', resolve))
}

/** `OK`, or `FAILED` with the failing step; undefined when all went well. */
async function readOutcome(stdout: Readable): Promise<Error | undefined> {
  let text = ''
  try {
    for await (const chunk of stdout.setEncoding('utf8')) text = (text + chunk).slice(0, 4096)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
  if (text === 'OK\n') return undefined
  const [word, ...fields] = text.trimEnd().split('\t')
  return word === 'FAILED' ? launchError(fields) : new Error(`the native program answered ${JSON.stringify(text)}`)
}
