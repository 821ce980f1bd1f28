import assert from 'node:assert/strict'
import { readdirSync, readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import {
  comparePaths,
  type Fingerprints,
  fingerprintDirectory,
  forgetFingerprints,
  openFingerprints,
} from '../../../src/build/context/fingerprints.ts'
import type { TreeEntry } from '../../../src/linux/archive.ts'
import { scratchDirectory } from '../../support/scratch.ts'

function fileAt(path: string, version: number): TreeEntry {
  const times = { mtimeSeconds: version, mtimeNanoseconds: 999_999_999, ctimeSeconds: version, ctimeNanoseconds: 1 }
  const node = { path, mode: 0o100644, uid: 0, gid: 0, major: 0, minor: 0, sizeBytes: 2 ** 40 + version, target: '' }
  return { ...node, ...times, change: 'same', hardLink: '', xattrs: new Map(), extents: undefined }
}

const digestOf = ({ path, mtimeSeconds }: TreeEntry) =>
  Buffer.from(`${path.length}${mtimeSeconds}`.padEnd(32)).toString('hex')

/** @returns the paths that were not known */
function walk(directory: string, files: readonly TreeEntry[]): string[] {
  using fingerprints = openFingerprints(directory, '/place')
  const unknown: string[] = []
  for (const file of files) {
    const known = fingerprints.get(file)
    if (known === undefined) unknown.push(file.path)
    else assert.equal(known.digest, digestOf(file))
    fingerprints.note(file, known?.digest ?? digestOf(file), known)
  }
  fingerprints.save()
  return unknown
}

describe('fingerprints', () => {
  const name = fc.string({ unit: fc.constantFrom('a', 'b', '-', '\xff', '.'), minLength: 1, maxLength: 3 })
  const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'))
  const tree = fc.dictionary(path, fc.integer({ min: 0, max: 2 }), { maxKeys: 12 })
  const filesOf = (versions: Readonly<Record<string, number>>) =>
    Object.entries(versions)
      .map(([one, version]) => fileAt(one, version))
      .toSorted((one, other) => comparePaths(one.path, other.path))

  it('know of each walk just the files that the one before has seen as they are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(tree, { maxLength: 4 }), async (trees) => {
        const directory = await scratchDirectory()
        let before: Readonly<Record<string, number>> = {}
        for (const versions of trees) {
          const expected = filesOf(versions).filter((file) => before[file.path] !== file.mtimeSeconds)
          assert.deepEqual(
            walk(directory, filesOf(versions)),
            expected.map((file) => file.path),
          )
          // Where nothing was learned what is gone is still known.
          before = expected.length > 0 ? versions : { ...before, ...versions }
        }
      }),
      { numRuns: 60 },
    )
  })

  it('of a file of records that was cut off know what is left', async () => {
    const directory = await scratchDirectory()
    const files = filesOf({ a: 1, 'a/b': 1, b: 1 })
    walk(directory, files)
    const [record = ''] = readdirSync(directory)
    truncateSync(join(directory, record), readFileSync(join(directory, record)).length - 1)
    assert.deepEqual(walk(directory, files), ['b'])
    assert.deepEqual(walk(directory, files), [])
  })

  it('are kept whole by walks of one place that go on at the same time', async () => {
    const directory = await scratchDirectory()
    walk(directory, filesOf({ b: 1, c: 1, d: 1 }))
    const changed = [filesOf({ b: 1, c: 1, d: 2 }), filesOf({ a: 1, b: 1, c: 2, d: 1 })]
    const note = (fingerprints: Fingerprints, file: TreeEntry) =>
      fingerprints.note(file, digestOf(file), fingerprints.get(file))
    {
      using one = openFingerprints(directory, '/place')
      using other = openFingerprints(directory, '/place')
      for (const file of changed[0]?.slice(0, 2) ?? []) note(one, file)
      for (const file of changed[1] ?? []) note(other, file)
      other.save()
      for (const file of changed[0]?.slice(2) ?? []) note(one, file)
      one.save()
    }
    assert.deepEqual(walk(directory, changed[0] ?? []), [])
    {
      using one = openFingerprints(directory, '/place')
      using other = openFingerprints(directory, '/place')
      for (const file of filesOf({ x: 1 })) for (const walking of [one, other]) note(walking, file)
      one.save()
      other.save()
    }
    assert.deepEqual(walk(directory, filesOf({ x: 1 })), [])
    assert.equal(readdirSync(directory).length, 1)
  })

  it('are forgotten while a walk goes on, and it does not mind', async () => {
    const root = await scratchDirectory()
    const paths = { root, run: join(root, 'run') }
    const directory = fingerprintDirectory(paths)
    forgetFingerprints(paths)
    walk(directory, filesOf({ a: 1, b: 1 }))
    for (const forgetAt of [0, 1, 2]) {
      using fingerprints = openFingerprints(directory, '/place')
      for (const [index, file] of filesOf({ a: 2, b: 2 }).entries()) {
        if (index === forgetAt) forgetFingerprints(paths)
        fingerprints.note(file, digestOf(file), fingerprints.get(file))
      }
      if (forgetAt === 2) forgetFingerprints(paths)
      fingerprints.save()
    }
    assert.deepEqual(readdirSync(directory), [])
    assert.deepEqual(walk(directory, filesOf({ a: 2, b: 2 })), ['a', 'b'])
  })

  it('leave nothing of a walk that has not come to its end', async () => {
    const directory = await scratchDirectory()
    {
      using fingerprints = openFingerprints(directory, '/place')
      const file = fileAt('a', 1)
      fingerprints.note(file, digestOf(file), fingerprints.get(file))
    }
    assert.deepEqual(readdirSync(directory), [])
  })
})
