/**
 * Transpiled components on disk, by the digest of what they were made of. The engine writes them, before anything of a component
 * runs; the runner gets the one that it was started for, read-only. What is wrong with a component is for the runner to say.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deserialize } from 'node:v8'
import { packageRoot } from '../../package-root.ts'
import type { Transpiled, TranspileOptions } from './transpile.ts'

export interface Prepared {
  readonly path: string
  /** sha256 of the component, in hexadecimal. */
  readonly digest: string
}

/** Changes whenever the transpiler's output, or the form of the files, does. */
const VERSION = 'jco-0.15.0-1'
/** Least recently used ones go first. */
const MAX_CACHE_BYTES = 512 << 20
const MAX_MADE_BYTES = 256 << 20
const TIME_LIMIT_MS = 120_000
const NOBODY = 65_534

/**
 * @param directory - ours alone; made when it is not there
 * @returns nothing when it cannot be made: the runner does it then
 */
export async function prepareComponent(
  bytes: Buffer,
  directory: string,
  { suspends }: TranspileOptions,
): Promise<Prepared | undefined> {
  const digest = digestOf(bytes)
  const path = join(directory, `${digest}-${suspends ? 'suspended' : 'plain'}-${VERSION}`)
  try {
    if (isOurs(path)) {
      const now = new Date()
      utimesSync(path, now, now)
      return { path, digest }
    }
    const made = await transpileApart(bytes, suspends)
    if (made === undefined) return undefined
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    makeRoom(directory, made.length)
    const partial = `${path}.${process.pid}`
    // Whoever the runner is, it may read what it is shown; to all others the directory is closed.
    writeFileSync(partial, made, { mode: 0o444, flag: 'wx' })
    renameSync(partial, path)
    return { path, digest }
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined // a full disk is no reason not to run
    throw error
  }
}

/** Of the runner. @returns nothing when it is not for these bytes, or is damaged */
export function readPrepared({ path, digest }: Prepared, bytes: Buffer): Transpiled | undefined {
  if (digestOf(bytes) !== digest) return undefined
  try {
    const made = deserialize(readFileSync(path)) as Partial<Transpiled> | undefined
    const { code, modules, imports } = made ?? {}
    if (typeof code !== 'string' || !(modules instanceof Map) || !Array.isArray(imports)) return undefined
    return { code, modules, imports }
  } catch {
    return undefined // it is made again
  }
}

const digestOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

function isOurs(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats?.isFile() === true && stats.uid === process.geteuid?.() && (stats.mode & 0o222) === 0
}

/** A process without rights: no file but our own code, no network, no other process; as root, somebody who owns nothing. */
async function transpileApart(bytes: Buffer, suspends: boolean): Promise<Buffer | undefined> {
  const code = join(packageRoot, 'dist')
  const readable = [code, ...['package.json', 'oclif.manifest.json'].map((name) => join(packageRoot, name))]
  const flags = ['--permission', ...readable.map((path) => `--allow-fs-read=${path}`)]
  const limits = ['--wasm-max-mem-pages=16384', '--no-addons', '--no-warnings']
  const entry = join(code, 'sandbox', 'preview2', 'prepare.entry.js')
  const words = [...flags, ...limits, entry, suspends ? 'suspended' : 'plain']
  const child = spawn(process.execPath, words, {
    env: {},
    cwd: '/',
    stdio: ['pipe', 'pipe', 'ignore'],
    timeout: TIME_LIMIT_MS,
    killSignal: 'SIGKILL',
    ...(process.geteuid?.() === 0 && { uid: NOBODY, gid: NOBODY }),
  })
  child.stdin.on('error', () => {}) // it has ended: its status says so
  child.stdin.end(bytes)
  const parts: Buffer[] = []
  let size = 0
  child.stdout.on('data', (part: Buffer) => {
    size += part.length
    if (size > MAX_MADE_BYTES) child.kill('SIGKILL')
    else parts.push(part)
  })
  const status = await new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null)).once('close', resolve)
  })
  return status === 0 ? Buffer.concat(parts) : undefined
}

function makeRoom(directory: string, bytes: number): void {
  const files = readdirSync(directory).flatMap((name) => {
    const path = join(directory, name)
    const stats = statSync(path, { throwIfNoEntry: false })
    return stats === undefined ? [] : [{ path, size: stats.size, usedAtMs: stats.mtimeMs }]
  })
  let left = files.reduce((sum, { size }) => sum + size, bytes)
  for (const { path, size } of files.toSorted((one, other) => one.usedAtMs - other.usedAtMs)) {
    if (left <= MAX_CACHE_BYTES) return
    rmSync(path, { force: true })
    left -= size
  }
}
