/** Where this installation of Coracle lives: from sources and from dist/ alike. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Lies beside package.json; dist/ has a package.json of its own. */
const MARK = 'oclif.manifest.json'

export const packageRoot: string = findPackageRoot(import.meta.dirname)

function findPackageRoot(directory: string): string {
  if (existsSync(join(directory, MARK))) return directory
  const parent = dirname(directory)
  if (parent === directory) throw new Error(`no ${MARK} above ${import.meta.dirname}`)
  return findPackageRoot(parent)
}

/** The native program built for this machine (`scripts/build-native.sh`). */
export const nativeProgram: string = join(packageRoot, 'native', process.arch, 'coracle-native')

/** Version of this installation. */
export function readPackageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }
  return version
}
