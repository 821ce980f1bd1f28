import assert from 'node:assert/strict'
import { existsSync, linkSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { type Fingerprints, openFingerprints } from '../../../src/build/context/fingerprints.ts'
import type { KnownWalk } from '../../../src/build/context/known-walk.ts'
import { openLocalTree } from '../../../src/build/context/local-tree.ts'
import { IgnoreMatcher } from '../../../src/build/ignore/matcher.ts'
import { openApplier } from '../../../src/linux/apply.ts'
import { scratchDirectory } from '../../support/scratch.ts'

const { signal } = new AbortController()
const FORGETFUL: Fingerprints = { get: () => undefined, note() {}, save() {}, [Symbol.dispose]() {} }
const UNKNOWN: KnownWalk = { nowMs: 0, sum: undefined, find: () => undefined, note() {} }
const ALL = { keep: () => true, excluded: [], signal }

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

function open(root: string, patterns: readonly string[] = [], fingerprints = () => FORGETFUL) {
  return openLocalTree({ root, ignore: new IgnoreMatcher(patterns), fingerprints, knownWalk: () => UNKNOWN, signal })
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

  async function copy(tree: ReturnType<typeof open>, path: string): Promise<{ target: string; isSame: boolean }> {
    const target = await scratchDirectory()
    await using applier = openApplier(target, { source: tree.source })
    const attributes = ({ mode }: { mode: number }) => ({ uid: 0, gid: 0, mode })
    const place = (relative: string) => (relative === '' ? undefined : relative)
    const isSame = await tree.copy({ path, isDirectory: true }, applier, { place, attributes, signal })
    return { target, isSame: (await applier.finish()) && isSame }
  }

  it('is copied, as a whole or in parts', async () => {
    const { target } = await copy(open(await makeContext()), 'd')
    assert.equal(readFileSync(join(target, 'e/c'), 'utf8'), 'three')
  })

  it('is copied as it was when its digest was made, or says that it was not', async () => {
    const root = await makeContext()
    const tree = open(root)
    assert.equal((await copy(tree, 'd')).isSame, false)
    await tree.digest({ path: 'd', isDirectory: true }, ALL)
    assert.equal((await copy(tree, 'd')).isSame, true)
    writeFileSync(join(root, 'd/e/c'), 'THREE')
    assert.equal((await copy(tree, 'd')).isSame, false)
    writeFileSync(join(root, 'd/new'), '')
    await tree.digest({ path: 'd', isDirectory: true }, ALL)
    assert.equal((await copy(tree, 'd')).isSame, true)
  })

  it('takes a hard link whose first name is ignored for a file of its own', async () => {
    const root = await makeContext()
    linkSync(join(root, 'a'), join(root, 'd/second'))
    const tree = open(root, ['a'])
    const digest = () => tree.digest({ path: '', isDirectory: true }, ALL)
    const before = await digest()
    assert.equal(readFileSync(join((await copy(tree, '')).target, 'd/second'), 'utf8'), 'one')
    writeFileSync(join(root, 'a'), 'ONE')
    assert.notEqual(await digest(), before)
  })

  it('is not the same when a hard link has moved from one file to another', async () => {
    const [one, other] = [await makeContext(), await makeContext()]
    for (const root of [one, other]) writeFileSync(join(root, 'b'), 'two')
    linkSync(join(one, 'a'), join(one, 'c'))
    linkSync(join(other, 'b'), join(other, 'c'))
    const digest = (root: string) => open(root).digest({ path: '', isDirectory: true }, ALL)
    assert.notEqual(await digest(one), await digest(other))
  })

  it('is not read again where nothing has been touched', async () => {
    const [root, kept] = [await makeContext(), await scratchDirectory()]
    const later = Date.now() + 60_000
    const read: string[] = []
    const watched = (): Fingerprints => {
      const own = openFingerprints(kept, root, later)
      const note: Fingerprints['note'] = (file, digest, known) => {
        if (known === undefined) read.push(file.path)
        own.note(file, digest, known)
      }
      return { ...own, note }
    }
    const digest = () => open(root, [], watched).digest({ path: '', isDirectory: true }, ALL)
    const first = await digest()
    assert.deepEqual(read.splice(0), ['a', 'd/b', 'd/e/c'])
    assert.equal(await digest(), first)
    assert.deepEqual(read.splice(0), [])
    writeFileSync(join(root, 'd/b'), 'new')
    assert.notEqual(await digest(), first)
    assert.deepEqual(read.splice(0), ['d/b'])
    await digest()
    assert.deepEqual(read, [])
  })

  it('trusts no digest of a file that may still change within its times', async () => {
    const kept = join(await scratchDirectory(), 'kept')
    const root = await makeContext()
    await open(root, [], () => openFingerprints(kept, root)).digest({ path: '', isDirectory: true }, ALL)
    assert.equal(existsSync(kept), false)
  })
})
