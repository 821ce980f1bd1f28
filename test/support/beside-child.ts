/**
 * A program with jobs beside it: copies files of one directory to another and prints what it has found, and how many processes it
 * has started itself. Arguments: the directories, and how many walks go on at once.
 */
import { subscribe } from 'node:diagnostics_channel'
import { join } from 'node:path'
import { openApplier } from '../../src/linux/apply.ts'
import { digestFiles, readTree } from '../../src/linux/archive.ts'
import { adoptInherited } from '../../src/util/inherited.ts'
import { recordTree } from './tree-recorder.ts'

const [source = '', target = '', walks = '1'] = process.argv.slice(2)
let started = 0
subscribe('child_process', () => {
  started += 1
})
adoptInherited()

const names = await Promise.all(Array.from({ length: Number(walks) }, () => namesIn(source)))
const [digest] = await digestFiles(source, ['file'], {})
const applied = await copyFile()
const failure = await namesIn(join(source, 'missing')).catch((error: Error) => error.message)
console.log(JSON.stringify({ names, digest, applied, failure, started, variable: process.env['CORACLE_JOBS'] ?? null }))

async function namesIn(directory: string): Promise<readonly string[]> {
  const sink = recordTree()
  await readTree(directory, '', { follow: false, sink })
  return sink.entries.map(({ path }) => path)
}

async function copyFile(): Promise<boolean> {
  await using applier = openApplier(target)
  const attributes = {
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    mtimeSeconds: 1,
    mtimeNanoseconds: 0,
  }
  applier.file('copy', { mode: 0o600, ...attributes }, 4)
  applier.data(Buffer.from('text'))
  applier.end()
  return applier.finish()
}
