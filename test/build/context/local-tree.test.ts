import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { type Fingerprints, openFingerprints } from '../../../src/build/context/fingerprints.ts'
import { openLocalTree } from '../../../src/build/context/local-tree.ts'
import { IgnoreMatcher } from '../../../src/build/ignore/matcher.ts'
import { openApplier } from '../../../src/linux/apply.ts'
import { openDatabase } from '../../../src/state/database.ts'
import { scratchDirectory } from '../../support/scratch.ts'

const { signal } = new AbortController()
const FORGETFUL: Fingerprints = { get: () => undefined, set: () => {}, save: () => {} }
const ALL = { keep: () => true, signal }

async function makeContext(): Promise<string> {
  const root = await scratchDirectory()
  mkdirSync(join(root, 'd/e'), { recursive: true })
  writeFileSync(join(root, 'a'), 'one')
  writeFileSync(join(root, 'd/b'), 'two')
  writeFileSync(join(root, 'd/e/c'), 'three')
  symlinkSync('d', join(root, 'way'))
  symlinkSync('../../..', join(root, 'd/out'))
  return root
}

function open(root: string, patterns: readonly string[] = [], fingerprints = FORGETFUL) {
  return openLocalTree({ root, ignore: new IgnoreMatcher(patterns), fingerprints, signal })
}

describe('a build context', () => {
  it('is looked up with its links followed inside of it only', async () => {
    const tree = await open(await makeContext())
    assert.deepEqual(tree.resolve('way/e/c'), { path: 'd/e/c', isDirectory: false })
    assert.deepEqual(tree.resolve('d/out/a'), { path: 'a', isDirectory: false })
    assert.deepEqual(tree.resolve(''), { path: '', isDirectory: true })
    assert.equal(tree.resolve('a/x'), undefined)
    assert.deepEqual(tree.names('d'), ['b', 'e', 'out'])
  })

  it('lacks what is ignored, but for what is taken back', async () => {
    const tree = await open(await makeContext(), ['d', '!d/e/c', 'a'])
    assert.deepEqual([tree.resolve('a'), tree.resolve('d/b')], [undefined, undefined])
    assert.deepEqual(tree.resolve('d/e/c'), { path: 'd/e/c', isDirectory: false })
    assert.deepEqual(tree.names('d'), ['e'])
  })

  it('has a digest of names, modes and content, not of times', async () => {
    const [one, other] = [await makeContext(), await makeContext()]
    const digest = async (root: string) => (await open(root)).digest({ path: '', isDirectory: true }, ALL)
    utimesSync(join(other, 'a'), 1, 1)
    assert.equal(await digest(one), await digest(other))
    writeFileSync(join(other, 'd/b'), 'TWO')
    assert.notEqual(await digest(one), await digest(other))
  })

  it('is copied, as a whole or in parts', async () => {
    const [root, target] = [await makeContext(), await scratchDirectory()]
    const tree = await open(root)
    await using applier = openApplier(target, { source: tree.source })
    const attributes = ({ mode }: { mode: number }) => ({ uid: 0, gid: 0, mode })
    const place = (path: string) => (path === '' ? undefined : path)
    await tree.copy({ path: 'd', isDirectory: true }, applier, { place, attributes, signal })
    await applier.finish()
    assert.equal(readFileSync(join(target, 'e/c'), 'utf8'), 'three')
  })

  it('is not read again where nothing has been touched', async () => {
    const root = await makeContext()
    const database = openDatabase(join(await scratchDirectory(), 'state.db'))
    try {
      const later = Date.now() + 60_000
      const read: string[] = []
      const watched = (): Fingerprints => {
        const own = openFingerprints(database, root, later)
        const set: Fingerprints['set'] = (file, digest) => {
          read.push(file.path)
          own.set(file, digest)
        }
        return { ...own, set }
      }
      const digest = async () => (await open(root, [], watched())).digest({ path: '', isDirectory: true }, ALL)
      const first = await digest()
      assert.deepEqual(read.splice(0), ['a', 'd/b', 'd/e/c'])
      assert.equal(await digest(), first)
      assert.deepEqual(read.splice(0), [])
      writeFileSync(join(root, 'd/b'), 'new')
      assert.notEqual(await digest(), first)
      assert.deepEqual(read, ['d/b'])
    } finally {
      database.close()
    }
  })

  it('trusts no digest of a file that may still change within its times', async () => {
    const root = await makeContext()
    const database = openDatabase(join(await scratchDirectory(), 'state.db'))
    try {
      const tree = await open(root, [], openFingerprints(database, root))
      await tree.digest({ path: '', isDirectory: true }, ALL)
      assert.equal(database.prepare('SELECT count(*) AS count FROM build_files').get()?.['count'], 0)
    } finally {
      database.close()
    }
  })
})
