/** What a step's mounts need to be mounted on, and the image does not have: taken away again when the step has ended. */
import { lstatSync, rmdirSync, unlinkSync } from 'node:fs'
import { posix } from 'node:path'
import { findInLayers } from '../../containers/spec/layer-files.ts'

/** Files that every container's mounts need. The directories dev, proc and sys stay, as with docker. */
const USUAL = ['/.dockerenv', '/etc/hostname', '/etc/hosts', '/etc/resolv.conf']
const KEPT: ReadonlySet<string> = new Set(['/dev', '/proc', '/sys'])

/** Paths, and directories above them, that are not in the layers; deepest first. */
export function missingPaths(lower: readonly string[], targets: readonly string[]): readonly string[] {
  const all = [...USUAL, ...targets].flatMap(withParents).filter((path) => !KEPT.has(path))
  const missing = [...new Set(all)].filter((path) => findInLayers(lower, path, { followLast: false }) === undefined)
  return missing.toSorted((one, other) => other.length - one.length)
}

function withParents(path: string): readonly string[] {
  const parts = posix
    .normalize(path)
    .split('/')
    .filter((part) => part !== '')
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`)
}

/** Removes those that are empty. No process of the step lives any more, so what is looked at stays as it is. */
export function removeStubs(upper: string, paths: readonly string[]): void {
  for (const path of paths) {
    const node = nodeAt(upper, path)
    if (node === undefined) continue
    try {
      if (node.isDirectory) rmdirSync(node.path)
      else unlinkSync(node.path)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error
    }
  }
}

/** An empty file, or a directory. No link is followed, for the step may have put one there to lead us out. */
function nodeAt(upper: string, path: string): { readonly path: string; readonly isDirectory: boolean } | undefined {
  const parts = path.split('/').filter((part) => part !== '')
  let at = upper
  for (const [index, part] of parts.entries()) {
    at = `${at}/${part}`
    const stats = lstatSync(at, { throwIfNoEntry: false })
    if (stats === undefined) return undefined
    if (index === parts.length - 1 && stats.isFile())
      return stats.size === 0 ? { path: at, isDirectory: false } : undefined
    if (!stats.isDirectory()) return undefined
  }
  return { path: at, isDirectory: true }
}
