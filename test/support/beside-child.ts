/**
 * A program with jobs beside it: copies files of one directory to another and prints what it has found, and how many processes it
 * has started itself. Arguments: the directories, and how many walks go on at once.
 */
import { subscribe } from 'node:diagnostics_channel'
import { join } from 'node:path'
import { openApplier } from '../../src/linux/apply.ts'
import { digestFiles, readTree, sumTree } from '../../src/linux/archive.ts'
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
const sums = [await sumTree(source, '', { follow: false }), await sumTree(source, 'file', { follow: false })]
const message = (error: Error) => error.message
const unsummed = await sumTree(source, 'missing', { follow: false }).catch(message)
const aborted = await abortSum()
const failure = await namesIn(join(source, 'missing')).catch(message)
console.log(
  JSON.stringify({
    names,
    digest,
    sums,
    unsummed,
    aborted,
    applied,
    failure,
    started,
    variable: process.env['CORACLE_JOBS'] ?? null,
  }),
)

async function namesIn(directory: string): Promise<readonly string[]> {
  const sink = recordTree()
  await readTree(directory, '', { follow: false, sink })
  return sink.entries.map(({ path }) => path)
}

/** While it is under way, and before it begins. */
async function abortSum(): Promise<readonly string[]> {
  const late = new AbortController()
  const early = AbortSignal.abort(new Error('early'))
  const summing = sumTree(source, '', { follow: false, signal: late.signal }).catch(message)
  late.abort(new Error('late'))
  return [await summing, await sumTree(source, '', { follow: false, signal: early }).catch(message)]
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
