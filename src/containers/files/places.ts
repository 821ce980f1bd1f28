/** Where a copy goes: docker's rules for names, which are those of `cp -a` (docs.docker.com, `docker container cp`). */
import { basename, dirname, normalize } from 'node:path/posix'
import { CopyImpossible } from './errors.ts'

/** A path as typed, tidied up; a slash or `/.` at its end is kept, because it means something. */
export function tidyPath(path: string): string {
  const tidy = normalize(path).replace(/(.)\/+$/, '$1')
  if (asksForContent(path)) return tidy === '/' || tidy === '.' ? `${tidy}/.`.replace('//', '/') : `${tidy}/.`
  return path.endsWith('/') && tidy !== '/' ? `${tidy}/` : tidy
}

/** `/.` at the end: what is in the directory, not itself. */
export function asksForContent(path: string): boolean {
  return path === '.' || path.endsWith('/.')
}

/** It says that it is a directory, so a link there is followed. */
export function assertsDirectory(path: string): boolean {
  return path.endsWith('/') || asksForContent(path)
}

/** The name that the copy has; empty where only the content is meant. */
export function nameOf(path: string): string {
  if (asksForContent(path)) return ''
  const name = basename(path)
  return name === '/' || name === '..' ? '' : name
}

export interface CopySource {
  /** See `nameOf`. */
  readonly name: string
  readonly isDirectory: boolean
}

export interface CopyTarget {
  readonly path: string
  readonly kind: 'directory' | 'other' | 'missing'
}

export interface Landing {
  readonly directory: string
  /** Of the copy in that directory; empty: the content goes into the directory itself. */
  readonly name: string
}

/** @throws {CopyImpossible} */
export function landingOf(source: CopySource, { path, kind }: CopyTarget): Landing {
  if (kind === 'directory') return { directory: path, name: source.name }
  if (kind === 'other' && source.isDirectory) throw new CopyImpossible('cannot copy directory')
  if (kind === 'missing' && !source.isDirectory && assertsDirectory(path)) throw new CopyImpossible('no such directory')
  if (kind === 'other' && assertsDirectory(path)) throw new CopyImpossible('not a directory')
  const plain = tidyPath(path).replace(/\/\.?$/, '')
  return { directory: dirname(plain), name: basename(plain) }
}
