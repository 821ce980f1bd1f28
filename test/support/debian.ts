/** A root file system of real Debian packages, made once for each clone by mmdebstrap and kept in `.fixtures/`. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../src/package-root.ts'

const FIXTURES = join(packageRoot, '.fixtures')
/** What no test looks at, and nodes of devices, which a container has its own of. */
const LEFT_OUT = [
  '/dev/*',
  '/usr/share/doc/*',
  '/usr/share/man/*',
  '/usr/share/locale/*',
  '/usr/share/perl*',
  '*/perl/*',
]
const TIMEOUT_MS = 180_000

/** Those of the tests, in one tar because each takes its time to make. */
export const SERVERS: readonly string[] = ['nginx-light', 'redis-server', 'python3-minimal']

/**
 * The packages and what they depend on, unpacked from this machine's mirror; no script of theirs has run. The first
 * time it takes 15 seconds.
 *
 * @returns the path of an uncompressed tar
 */
export function debianTar(packages: readonly string[]): string {
  const recipe = JSON.stringify([packages, LEFT_OUT])
  const path = join(FIXTURES, `debian-${createHash('sha256').update(recipe).digest('hex').slice(0, 12)}.tar`)
  if (existsSync(path)) return path
  mkdirSync(FIXTURES, { recursive: true })
  const partial = `${path}.${process.pid}`
  const filter = LEFT_OUT.map((pattern) => `'--path-exclude=${pattern}'`).join(' ')
  const make = `mmdebstrap --quiet --variant=extract --include=${packages.join(',')} bookworm - | mmtarfilter ${filter}`
  const { status, stderr } = spawnSync('bash', ['-o', 'pipefail', '-c', `${make} > '${partial}'`], {
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
  })
  if (status !== 0) {
    rmSync(partial, { force: true })
    throw new Error(`mmdebstrap ended with ${status}: ${stderr.slice(-2000)}`)
  }
  renameSync(partial, path)
  return path
}
