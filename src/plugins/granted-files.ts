/**
 * Files that a module was granted to read, for its file system in memory. What was granted below the user's directory (`read=./data`)
 * lies below the module's own, which is its root: so names mean the same to both.
 */
import { lstatSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type ImageFile, openImageFiles } from '../sandbox/image-files.ts'

const MAX_BYTES = 64 << 20
const MAX_FILES = 10_000

/**
 * Parents first; links lead nowhere but below what was granted. What is not there is left out.
 *
 * @param words - paths as they were granted
 * @param directory - what relative ones are of
 */
export function* grantedFiles(words: readonly string[], directory: string): Generator<ImageFile> {
  const made = new Set(['/'])
  let left = { files: MAX_FILES, bytes: MAX_BYTES }
  for (const word of words) {
    for (const file of filesOf(resolve(directory, word), resolve('/', word))) {
      if (made.has(file.path)) continue
      left = { files: left.files - 1, bytes: left.bytes - file.sizeBytes }
      if (left.files < 0 || left.bytes < 0)
        throw new Error(`it was granted more than ${MAX_FILES} files or ${MAX_BYTES >> 20} MiB to read`)
      for (const parent of parentsOf(file.path).filter((each) => !made.has(each))) {
        made.add(parent)
        yield directoryAt(parent)
      }
      made.add(file.path)
      yield file
    }
  }
}

function* filesOf(source: string, target: string): Generator<ImageFile> {
  const stats = lstatSync(source, { throwIfNoEntry: false })
  if (stats?.isFile()) yield { path: target, directory: false, sizeBytes: stats.size, read: () => readFileSync(source) }
  if (!stats?.isDirectory()) return
  yield directoryAt(target)
  for (const file of openImageFiles([source]).walk()) yield { ...file, path: join(target, file.path) }
}

function directoryAt(path: string): ImageFile {
  return { path, directory: true, sizeBytes: 0, read: () => Buffer.alloc(0) }
}

function parentsOf(path: string): string[] {
  const parent = dirname(path)
  return parent === '/' ? [] : [...parentsOf(parent), parent]
}
